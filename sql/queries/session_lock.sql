-- Sessions that will be attached or expired, held whole: claims for them have committed or wait.
-- The next statements read their leases with a new snapshot.
-- $1 uuid[] nodes that attach · $2 bigint[] sessions that expire
SELECT id FROM session WHERE node = ANY ($1::uuid[]) OR id = ANY ($2::bigint[]) ORDER BY id FOR UPDATE;
