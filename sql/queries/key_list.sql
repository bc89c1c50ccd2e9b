-- Every key. No parameters → id, account, name, last4, scopes, expires_at in microseconds, revoked
SELECT id, account, name, last4, scopes, (extract(epoch FROM expires_at) * 1000000)::bigint, revoked_at IS NOT NULL
FROM api_key ORDER BY created_at, id;
