-- A page of an account's jobs, newest first. At most 5,000 are looked at; where all of those were
-- and more may come, `edge` is the last of them.
-- $1 uuid account · $2 uuid ids below this · $3 uuid ids from this · $4 uuid of this batch, or NULL
-- $5 smallint[] states (state.def), or NULL · $6 smallint type, or NULL · $7 smallint site, or NULL
-- $8 uuid key, or NULL · $9 text[] words, lower case, escaped: all stand in the spec or result
-- $10 integer rows → job: as in reader_job.sql · edge
SELECT s.*, e.edge
FROM (SELECT CASE WHEN $4::uuid IS NULL THEN $2::uuid
                  ELSE coalesce((SELECT last FROM batch WHERE account = $1::uuid AND id = $4::uuid),
                                '00000000-0000-0000-0000-000000000000'::uuid)
             END AS upper,
             CASE WHEN $4::uuid IS NULL THEN $3::uuid
                  ELSE greatest($3::uuid, (SELECT first FROM batch WHERE account = $1::uuid AND id = $4::uuid))
             END AS lower
      OFFSET 0) b
CROSS JOIN LATERAL (
    SELECT (SELECT id FROM job
            WHERE account = $1::uuid AND id < $2::uuid AND id <= b.upper AND id >= b.lower
            ORDER BY id DESC OFFSET 4999 LIMIT 1) AS edge
    OFFSET 0) e
LEFT JOIN LATERAL (
    SELECT j.id, j.account, j.key, j.batch, j.retry_of, j.spec,
           coalesce(l.starts, d.starts), coalesce(l.max_tries, d.max_tries),
           (extract(epoch FROM coalesce(l.started_at, d.started_at)) * 1000000)::bigint,
           l.lease_id IS NOT NULL, l.run_at <= now() OR l.is_deferred, l.tries, l.progress,
           (extract(epoch FROM l.run_at) * 1000000)::bigint,
           d.outcome, d.error, d.lease_id, d.result,
           (extract(epoch FROM d.completed_at) * 1000000)::bigint,
           (extract(epoch FROM d.expires_at) * 1000000)::bigint,
           n.name
    FROM (SELECT * FROM job
          WHERE account = $1::uuid AND id < $2::uuid AND id <= b.upper AND id >= b.lower
          ORDER BY id DESC LIMIT 5000) j
    LEFT JOIN LATERAL (SELECT * FROM live WHERE id = j.id AND account = j.account OFFSET 0) l ON true
    LEFT JOIN LATERAL (
        SELECT * FROM done WHERE account = j.account AND id = j.id AND l.id IS NULL OFFSET 0) d ON true
    LEFT JOIN LATERAL (SELECT node FROM session WHERE id = l.session OFFSET 0) w ON true
    LEFT JOIN LATERAL (
        SELECT name FROM node WHERE id = coalesce(w.node, d.node) OFFSET 0) n ON true
    WHERE ($6::smallint IS NULL OR j.type = $6::smallint)
      AND ($7::smallint IS NULL OR j.site = $7::smallint)
      AND ($8::uuid IS NULL OR j.key = $8::uuid)
      AND ($5::smallint[] IS NULL OR
           coalesce(d.outcome, CASE WHEN l.lease_id IS NOT NULL THEN 2
                                    WHEN l.run_at > now() AND l.tries = 0 AND NOT l.is_deferred THEN 1 ELSE 0 END)
           = ANY ($5::smallint[]))
      AND NOT EXISTS (
          SELECT FROM unnest($9::text[]) AS u (word)
          WHERE strpos(lower(encode(j.spec, 'escape')), u.word) = 0
            AND strpos(lower(coalesce(encode(d.result, 'escape'), '')), u.word) = 0)
    ORDER BY j.id DESC LIMIT $10::integer) s ON true;
