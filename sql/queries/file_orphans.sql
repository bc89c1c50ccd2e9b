-- Of these stored attempts, those that no file names and whose lease does not stand.
-- $1 uuid[] accounts · $2 uuid[] jobs · $3 bigint[] leases → place in the arrays, from 1
SELECT u.n
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS u (account, job, lease, n)
WHERE NOT EXISTS (SELECT 1 FROM file f WHERE f.account = u.account AND f.job = u.job AND f.lease_id = u.lease)
  AND NOT EXISTS (SELECT 1 FROM live l WHERE l.id = u.job AND l.account = u.account AND l.lease_id = u.lease);
