-- $1 uuid id · $2 uuid account · $3 text name · $4 bytea digest · $5 smallint pepper · $6 text last4
-- $7 smallint scopes · $8 integer days, null: never expires · $9 bool only for an operator → id, expires_at in
-- microseconds; nothing when there is no such account
INSERT INTO api_key (id, account, name, digest, pepper, last4, scopes, expires_at)
SELECT $1::uuid, account.id, $3::text, $4::bytea, $5::smallint, $6::text, $7::smallint,
       now() + make_interval(days => $8::integer)
FROM account WHERE account.id = $2::uuid AND (account.is_operator OR NOT $9::boolean)
RETURNING id, (extract(epoch FROM expires_at) * 1000000)::bigint;
