-- How many jobs of an account wait, counted up to a limit: never more rows are read, but for
-- one in each pool and lane.
-- $1 uuid account · $2 integer limit → count
WITH RECURSIVE place AS (
    (SELECT pool, lane FROM live WHERE lease_id IS NULL ORDER BY pool, lane LIMIT 1)
    UNION ALL
    SELECT f.pool, f.lane
    FROM place p
    CROSS JOIN LATERAL (SELECT pool, lane FROM live
                        WHERE lease_id IS NULL AND (pool, lane) > (p.pool, p.lane)
                        ORDER BY pool, lane LIMIT 1) f
)
SELECT count(*) FROM (
    SELECT FROM place p
    CROSS JOIN LATERAL (SELECT FROM live
                        WHERE lease_id IS NULL AND pool = p.pool AND lane = p.lane
                          AND account = $1::uuid OFFSET 0) w
    LIMIT $2::integer) c;
