-- After session_attach: leases of these sessions that their workers did not list go back, uncounted.
-- $1 uuid[] nodes · $2 bigint[] boots · $3 bigint[] every lease that was listed
WITH leases AS MATERIALIZED (
    SELECT l.id, l.account, s.id AS session
    FROM unnest($1::uuid[], $2::bigint[]) AS u (node, boot)
    JOIN session s ON s.node = u.node AND s.boot = u.boot
    CROSS JOIN LATERAL (SELECT id, account FROM live
                        WHERE session = s.id AND lease_id IS NOT NULL
                          AND NOT lease_id = ANY ($3::bigint[])
                        OFFSET 0) l
), held AS MATERIALIZED (
    SELECT l.id, l.account
    FROM (SELECT * FROM leases ORDER BY id) w
    CROSS JOIN LATERAL (SELECT id, account FROM live
                        WHERE id = w.id AND account = w.account
                          AND session IS NOT DISTINCT FROM w.session
                        OFFSET 0 FOR UPDATE) l
)
UPDATE live
SET lease_id = NULL, session = NULL, started_at = NULL, deadline = NULL, progress = NULL
FROM held h
WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account;
