-- One row for each request that waits and asks for no job: its key as it stands this moment.
-- $1 bytea[] digests → id, account, scopes, name, last4, account's name, plan, expires_at, operator
SELECT k.id, k.account, k.scopes, k.name, k.last4, k.account_name, k.plan,
       (extract(epoch FROM k.expires_at) * 1000000)::bigint, k.is_operator
FROM unnest($1::bytea[]) WITH ORDINALITY AS u (digest, n)
LEFT JOIN LATERAL (
    SELECT k.id, k.account, k.scopes, k.name, k.last4, k.expires_at, a.name AS account_name, a.plan,
           a.is_operator
    FROM api_key k JOIN account a ON a.id = k.account
    WHERE k.digest = u.digest AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now())
    OFFSET 0) k ON true
ORDER BY u.n;
