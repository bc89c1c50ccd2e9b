-- reader_key.sql's row, and the jobs its account has, over all pools and lanes.
-- $1 bytea[] digests → id, account, scopes, name, last4, account's name, plan, expires_at, operator
--   · queued, running
SELECT k.id, k.account, k.scopes, k.name, k.last4, k.account_name, k.plan,
       (extract(epoch FROM k.expires_at) * 1000000)::bigint, k.is_operator, c.queued::bigint, c.running::bigint
FROM unnest($1::bytea[]) WITH ORDINALITY AS u (digest, n)
LEFT JOIN LATERAL (
    SELECT k.id, k.account, k.scopes, k.name, k.last4, k.expires_at, a.name AS account_name, a.plan,
           a.is_operator
    FROM api_key k JOIN account a ON a.id = k.account
    WHERE k.digest = u.digest AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now())
    OFFSET 0) k ON true
CROSS JOIN LATERAL (
    WITH RECURSIVE place AS (
        (SELECT pool, lane FROM live WHERE lease_id IS NULL ORDER BY pool, lane LIMIT 1)
        UNION ALL
        SELECT f.pool, f.lane
        FROM place p
        CROSS JOIN LATERAL (SELECT pool, lane FROM live
                            WHERE lease_id IS NULL AND (pool, lane) > (p.pool, p.lane)
                            ORDER BY pool, lane LIMIT 1) f
    )
    SELECT (SELECT sum(w.jobs)
            FROM place p
            CROSS JOIN LATERAL (SELECT count(*) AS jobs FROM live
                                WHERE lease_id IS NULL AND pool = p.pool AND lane = p.lane
                                  AND account = k.account) w) AS queued,
           (SELECT sum(w.jobs)
            FROM session s
            CROSS JOIN LATERAL (SELECT count(*) AS jobs FROM live
                                WHERE session = s.id AND lease_id IS NOT NULL
                                  AND account = k.account) w) AS running) c
ORDER BY u.n;
