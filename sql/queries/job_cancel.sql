-- The client does not want it any more, waiting or leased. No row: see job_found.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 smallint outcome canceled · $4 integer error canceled
-- → n, the lease and session it had
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS u (id, account, n)
), held AS MATERIALIZED (
    SELECT l.id, l.account, w.n
    FROM (SELECT * FROM want ORDER BY id) w
    CROSS JOIN LATERAL (SELECT id, account FROM live WHERE id = w.id AND account = w.account
                        OFFSET 0 FOR UPDATE) l
), gone AS (
    DELETE FROM live USING held h
    WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account
    RETURNING h.n, live.id, live.account, live.lease_id, live.session, live.starts, live.max_tries,
              live.started_at
), ended AS (
    INSERT INTO done (id, account, outcome, error, starts, max_tries, started_at)
    SELECT id, account, $3::smallint, $4::integer, starts, max_tries, started_at FROM gone
)
SELECT n, lease_id, session FROM gone;
