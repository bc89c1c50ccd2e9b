-- The second read, with a new snapshot: where is a job whose row did not move?
-- $1 uuid[] ids · $2 uuid[] accounts
-- → n, whether it is live, its outcome and the lease that ended it, the lease it has, milliseconds
--   left to that
SELECT u.n, l.id IS NOT NULL, d.outcome, d.lease_id, l.lease_id,
       (extract(epoch FROM l.deadline - now()) * 1000)::bigint
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS u (id, account, n)
LEFT JOIN LATERAL (SELECT id, lease_id, deadline FROM live WHERE id = u.id AND account = u.account
                   OFFSET 0) l ON true
LEFT JOIN LATERAL (SELECT outcome, lease_id FROM done WHERE account = u.account AND id = u.id
                   OFFSET 0) d ON true;
