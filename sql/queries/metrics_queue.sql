-- What a scrape reports about the queue as a whole, at a bounded cost whatever waits: at most 10,001
-- entries of a pool and lane are counted (they cost a heap fetch each until a vacuum), and the oldest
-- is sought among 1,000 accounts; for all that waits there is the planner's estimate.
-- → name, pool, lane, number
WITH RECURSIVE place AS (
    (SELECT pool, lane FROM live WHERE lease_id IS NULL ORDER BY pool, lane LIMIT 1)
    UNION ALL
    SELECT f.pool, f.lane
    FROM place p
    CROSS JOIN LATERAL (SELECT pool, lane FROM live
                        WHERE lease_id IS NULL AND (pool, lane) > (p.pool, p.lane)
                        ORDER BY pool, lane LIMIT 1) f
), turn AS (
    (SELECT pool, lane, account, 1 AS n FROM live WHERE lease_id IS NULL
     ORDER BY pool, lane, account LIMIT 1)
    UNION ALL
    SELECT f.pool, f.lane, f.account, t.n + 1
    FROM turn t
    CROSS JOIN LATERAL (SELECT pool, lane, account FROM live
                        WHERE lease_id IS NULL
                          AND (pool, lane, account) > (t.pool, t.lane, t.account)
                        ORDER BY pool, lane, account LIMIT 1) f
    WHERE t.n < 1000
), counted AS (
    SELECT p.pool, p.lane, c.waiting, c.scheduled
    FROM place p
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE run_at <= now()) AS waiting,
               count(*) FILTER (WHERE run_at > now()) AS scheduled
        FROM (SELECT run_at FROM live
              WHERE lease_id IS NULL AND pool = p.pool AND lane = p.lane
              ORDER BY account, run_at LIMIT 10001) e) c
)
SELECT 'waiting', pool, lane, waiting FROM counted
UNION ALL
SELECT 'scheduled', pool, lane, scheduled FROM counted
UNION ALL
SELECT 'oldest', t.pool, t.lane,
       greatest(0, extract(epoch FROM now() - min(h.run_at)))::bigint
FROM turn t
CROSS JOIN LATERAL (SELECT run_at FROM live
                    WHERE lease_id IS NULL AND pool = t.pool AND lane = t.lane
                      AND account = t.account
                    ORDER BY run_at LIMIT 1) h
GROUP BY t.pool, t.lane
UNION ALL
SELECT 'leased', pool, lane, count(*) FROM live WHERE lease_id IS NOT NULL GROUP BY pool, lane
UNION ALL
SELECT 'sessions', '', 0, count(*) FROM session
UNION ALL
SELECT 'estimate', '', 0, greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'live_next'::regclass;
