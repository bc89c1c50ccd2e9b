-- The next to start: a few due jobs of each account in each lane of each pool, by a loose scan of
-- the order index (never row_number over the backlog). A pool's window is shared by the places
-- where something waits; four each at least.
-- $1 text[] pools · $2 integer[] their windows
-- → n of the pool, account, id, run_at, avoid, lane, how many of its place were asked for at most, site,
--   its account's plan, whether that is an operator
WITH RECURSIVE pool AS (
    SELECT * FROM unnest($1::text[], $2::integer[]) WITH ORDINALITY AS u (pool, keys, n)
), place AS (
    SELECT p.n, p.pool, p.keys, f.lane, f.account
    FROM pool p
    CROSS JOIN LATERAL (SELECT lane, account FROM live
                        WHERE lease_id IS NULL AND pool = p.pool
                        ORDER BY lane, account LIMIT 1) f
    UNION ALL
    SELECT p.n, p.pool, p.keys, f.lane, f.account
    FROM place p
    CROSS JOIN LATERAL (SELECT lane, account FROM live
                        WHERE lease_id IS NULL AND pool = p.pool
                          AND (lane, account) > (p.lane, p.account)
                        ORDER BY lane, account LIMIT 1) f
), share AS (
    SELECT *, greatest(4, keys / count(*) OVER (PARTITION BY n)) AS most FROM place
)
SELECT p.n, p.account, h.id, (extract(epoch FROM h.run_at) * 1000000)::bigint, h.avoid, p.lane, p.most,
       h.site, a.plan, a.is_operator
FROM share p
LEFT JOIN LATERAL (SELECT plan, is_operator FROM account WHERE id = p.account OFFSET 0) a ON true
CROSS JOIN LATERAL (SELECT id, run_at, avoid, site FROM live
                    WHERE lease_id IS NULL AND pool = p.pool AND lane = p.lane
                      AND account = p.account AND run_at <= now()
                    ORDER BY run_at, id LIMIT p.most) h;
