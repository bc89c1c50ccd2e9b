-- Jobs somebody waits for: which are leased, and which are no longer live (a job that was live ends
-- in done, or is deleted; the waiting request reads it again).
-- $1 uuid[] ids → n, whether it is live
SELECT u.n, l.id IS NOT NULL
FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n)
LEFT JOIN LATERAL (SELECT id, lease_id FROM live WHERE id = u.id OFFSET 0) l ON true
WHERE l.id IS NULL OR l.lease_id IS NOT NULL;
