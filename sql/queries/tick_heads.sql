-- The next to start: a few due jobs of each account in each lane of each pool, by a loose scan of
-- the order index (never row_number over the backlog).
-- $1 text[] pools · $2 integer heads of each account → n of the pool, account, id, run_at, avoid, lane
WITH RECURSIVE pool AS (
    SELECT * FROM unnest($1::text[]) WITH ORDINALITY AS u (pool, n)
), place AS (
    SELECT p.n, p.pool, f.lane, f.account
    FROM pool p
    CROSS JOIN LATERAL (SELECT lane, account FROM live
                        WHERE lease_id IS NULL AND pool = p.pool
                        ORDER BY lane, account LIMIT 1) f
    UNION ALL
    SELECT p.n, p.pool, f.lane, f.account
    FROM place p
    CROSS JOIN LATERAL (SELECT lane, account FROM live
                        WHERE lease_id IS NULL AND pool = p.pool
                          AND (lane, account) > (p.lane, p.account)
                        ORDER BY lane, account LIMIT 1) f
)
SELECT p.n, p.account, h.id, (extract(epoch FROM h.run_at) * 1000000)::bigint, h.avoid, p.lane
FROM place p
CROSS JOIN LATERAL (SELECT id, run_at, avoid FROM live
                    WHERE lease_id IS NULL AND pool = p.pool AND lane = p.lane
                      AND account = p.account AND run_at <= now()
                    ORDER BY run_at, id LIMIT $2::integer) h;
