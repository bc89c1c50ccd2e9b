-- Stores the progress of a leased job. No row: the lease does not stand.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 bigint[] leases · $4 bytea[] packed progress → n
-- IS NOT DISTINCT FROM keeps the lookup off the index of leased rows (a flip of the plan).
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[])
        WITH ORDINALITY AS u (id, account, lease, progress, n)
), held AS MATERIALIZED (
    SELECT l.id, l.account, w.progress, w.n
    FROM (SELECT * FROM want ORDER BY id) w
    CROSS JOIN LATERAL (SELECT id, account FROM live
                        WHERE id = w.id AND account = w.account AND lease_id IS NOT DISTINCT FROM w.lease
                        OFFSET 0 FOR UPDATE) l
)
UPDATE live SET progress = h.progress FROM held h
WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account
RETURNING h.n;
