-- After session_attach: leases of these sessions that their workers did not list go back, uncounted.
-- $1 uuid[] nodes · $2 bigint[] boots · $3 bigint[] every lease that was listed
WITH lost AS MATERIALIZED (
    SELECT l.id, l.account
    FROM unnest($1::uuid[], $2::bigint[]) AS u (node, boot)
    JOIN session s ON s.node = u.node AND s.boot = u.boot
    JOIN live l ON l.session = s.id
    WHERE l.lease_id IS NOT NULL AND NOT l.lease_id = ANY ($3::bigint[])
    ORDER BY l.id FOR UPDATE OF l
)
UPDATE live
SET lease_id = NULL, session = NULL, started_at = NULL, deadline = NULL, progress = NULL
FROM lost h
WHERE live.id = h.id AND live.account = h.account;
