-- A lease is given back: the job waits again, or ends failed where a count is at its limit.
-- No row: see job_found. Why: 0 retry (tries+1, later) · 1 crash · 2 loss · 3 uncounted; crash and
-- loss avoid the node next time, and all but a retry keep run_at and so the job's place. A retry waits
-- delay_ms times 4 for each try before, at most 15 minutes.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 bigint[] leases · $4 integer[] why · $5 bigint[] delay_ms
-- $6 integer[] errors · $7 text[] details · $8 uuid[] nodes
-- $9 integer crashes that end a job · $10 integer losses that do · $11 smallint outcome failed
-- $12 integer error worker_lost → n, whether it ended
-- IS NOT DISTINCT FROM keeps the lookup off the index of leased rows (a flip of the plan).
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::integer[], $5::bigint[],
                         $6::integer[], $7::text[], $8::uuid[])
        WITH ORDINALITY AS u (id, account, lease, why, delay_ms, error, detail, node, n)
), held AS MATERIALIZED (
    SELECT l.id, l.account, w.n, w.node,
           (w.why = 0)::integer AS tries, (w.why = 1)::integer AS crashes, (w.why = 2)::integer AS losses,
           CASE WHEN w.why = 0 THEN now() + least(w.delay_ms * power(4, l.tries), 900000) * interval '1 ms' ELSE l.run_at END AS run_at,
           CASE w.why WHEN 0 THEN l.tries + 1 >= l.max_tries
                      WHEN 1 THEN l.crashes + 1 >= $9::integer
                      WHEN 2 THEN l.losses + 1 >= $10::integer
                      ELSE false END AS is_over
    FROM (SELECT * FROM want ORDER BY id) w
    CROSS JOIN LATERAL (SELECT * FROM live
                        WHERE id = w.id AND account = w.account AND lease_id IS NOT DISTINCT FROM w.lease
                        OFFSET 0 FOR UPDATE) l
), back AS (
    UPDATE live
    SET lease_id = NULL, session = NULL, started_at = NULL, deadline = NULL, progress = NULL,
        run_at = h.run_at, tries = live.tries + h.tries, crashes = live.crashes + h.crashes,
        losses = live.losses + h.losses,
        avoid = CASE WHEN h.crashes + h.losses > 0 THEN h.node ELSE avoid END
    FROM held h
    WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account AND NOT h.is_over
    RETURNING h.n
), over AS (
    DELETE FROM live USING held h
    WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account AND h.is_over
    RETURNING h.n, live.starts, live.max_tries, live.started_at
), ended AS (
    INSERT INTO done (id, account, outcome, error, detail, lease_id, node, starts, max_tries,
                      started_at)
    SELECT w.id, w.account, $11::smallint,
           CASE WHEN w.why = 2 THEN $12::integer ELSE w.error END, w.detail, w.lease, w.node,
           o.starts, o.max_tries, o.started_at
    FROM over o JOIN want w ON w.n = o.n
)
SELECT n, false FROM back UNION ALL SELECT n, true FROM over;
