-- Its site is paused: a waiting job that is due comes up again a while later. Run twice it moves but
-- once; a claimed one stays. The lease is checked once the row is held, and the lookup stays off
-- the index of waiting rows.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 integer milliseconds → n
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS u (id, account, n)
), held AS MATERIALIZED (
    SELECT l.id, l.account, w.n
    FROM (SELECT * FROM want ORDER BY id) w
    CROSS JOIN LATERAL (SELECT id, account, lease_id, run_at FROM live
                        WHERE id = w.id AND account = w.account
                        OFFSET 0 FOR UPDATE SKIP LOCKED) l
    WHERE l.lease_id IS NULL AND l.run_at <= now()
)
UPDATE live
SET run_at = now() + $3::integer * interval '1 millisecond', is_deferred = true
FROM held h
WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account
RETURNING h.n;
