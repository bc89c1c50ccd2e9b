-- A leased job ends by its lease, for good; what it delivered becomes files. No row: see job_found.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 bigint[] leases · $4 smallint[] outcomes
-- $5 integer[] errors · $6 text[] details · $7 uuid[] nodes · $8 bytea[] packed results
-- files: $9 bigint[] of which lease · $10 uuid[] ids · $11 text[] names · $12 text[] extensions
-- $13 text[] content types · $14 bigint[] sizes · $15 bytea[] sha256
-- $16 smallint the outcome that keeps files → n
-- Rows come, and so are locked, in the order of their ids: from the index if it is scanned first, from
-- the sorted list if that is. IS NOT DISTINCT FROM keeps the lookup off the index of leased rows.
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::smallint[], $5::integer[],
                         $6::text[], $7::uuid[], $8::bytea[])
        WITH ORDINALITY AS u (id, account, lease, outcome, error, detail, node, result, n)
), gone AS (
    DELETE FROM live USING (SELECT id, account, lease, n FROM want ORDER BY id) w
    WHERE live.id = ANY ($1::uuid[]) AND live.id = w.id AND live.account = w.account
      AND live.lease_id IS NOT DISTINCT FROM w.lease
    RETURNING w.n, live.starts, live.max_tries, live.started_at, live.expires_s
), ended AS (
    INSERT INTO done (id, account, outcome, error, detail, lease_id, node, starts, max_tries,
                      started_at, expires_at, result)
    SELECT w.id, w.account, w.outcome, w.error, w.detail, w.lease, w.node, g.starts, g.max_tries,
           g.started_at,
           CASE WHEN w.outcome = $16::smallint THEN now() + make_interval(secs => g.expires_s) END,
           w.result
    FROM gone g JOIN want w ON w.n = g.n
    RETURNING id, account, lease_id, expires_at
), kept AS (
    INSERT INTO file (id, account, job, lease_id, name, extension, content_type, size_bytes,
                      sha256, expires_at)
    SELECT f.id, e.account, e.id, e.lease_id, f.name, f.extension, f.content_type, f.size_bytes,
           f.sha256, e.expires_at
    FROM unnest($9::bigint[], $10::uuid[], $11::text[], $12::text[], $13::text[], $14::bigint[],
                $15::bytea[]) AS f (lease, id, name, extension, content_type, size_bytes, sha256)
    JOIN ended e ON e.lease_id = f.lease AND e.expires_at IS NOT NULL
)
SELECT n FROM gone;
