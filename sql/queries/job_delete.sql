-- The client wants nothing of it kept: a waiting or ended job goes, with what was asked and the rows
-- of its files. A leased one stays. No row: see job_found. The lease is checked once the row is
-- held, and the lookup stays off the index of waiting rows.
-- $1 uuid[] ids · $2 uuid[] accounts → n
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS u (id, account, n)
), held AS MATERIALIZED (
    SELECT l.id, l.account, w.n
    FROM (SELECT * FROM want ORDER BY id) w
    CROSS JOIN LATERAL (SELECT id, account, lease_id FROM live WHERE id = w.id AND account = w.account
                        OFFSET 0 FOR UPDATE) l
    WHERE l.lease_id IS NULL
), waiting AS (
    DELETE FROM live USING held h
    WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account
    RETURNING h.n, live.id, live.account
), over AS MATERIALIZED (
    SELECT d.id, d.account, w.n
    FROM want w
    CROSS JOIN LATERAL (SELECT id, account FROM done WHERE account = w.account AND id = w.id OFFSET 0) d
), ended AS (
    DELETE FROM done USING over o
    WHERE done.account = ANY (ARRAY(SELECT account FROM over)) AND done.id = ANY (ARRAY(SELECT id FROM over))
      AND done.account = o.account AND done.id = o.id
    RETURNING o.n, done.id, done.account
), gone AS MATERIALIZED (
    SELECT * FROM waiting UNION ALL SELECT * FROM ended
), asked AS (
    DELETE FROM job USING gone g
    WHERE job.account = ANY (ARRAY(SELECT account FROM gone)) AND job.id = ANY (ARRAY(SELECT id FROM gone))
      AND job.account = g.account AND job.id = g.id
), files AS (
    DELETE FROM file USING gone g
    WHERE file.account = ANY (ARRAY(SELECT account FROM gone)) AND file.job = ANY (ARRAY(SELECT id FROM gone))
      AND file.account = g.account AND file.job = g.id
)
SELECT n FROM gone;
