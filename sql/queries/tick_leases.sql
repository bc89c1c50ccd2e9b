-- Which of these leases no longer stand?
-- $1 uuid[] ids · $2 uuid[] accounts · $3 bigint[] leases → n of those gone
SELECT u.n
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS u (id, account, lease, n)
LEFT JOIN LATERAL (SELECT lease_id FROM live WHERE id = u.id AND account = u.account OFFSET 0) l ON true
WHERE l.lease_id IS DISTINCT FROM u.lease;
