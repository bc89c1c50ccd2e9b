-- The first 1,001 that wait in a pool and lane for an account, in their order.
-- $1 text pool · $2 smallint lane · $3 uuid account → run_at, id
SELECT (extract(epoch FROM run_at) * 1000000)::bigint, id
FROM live
WHERE lease_id IS NULL AND pool = $1::text AND lane = $2::smallint AND account = $3::uuid
ORDER BY run_at, id LIMIT 1001;
