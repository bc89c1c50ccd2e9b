-- The next jobs of a batch that have not ended, in the order of their ids, 500 at most.
-- $1 uuid account · $2 uuid batch · $3 uuid behind this id, NULL: from the first → id
SELECT l.id
FROM (SELECT * FROM batch WHERE account = $1::uuid AND id = $2::uuid OFFSET 0) b
CROSS JOIN LATERAL (
    SELECT id FROM live
    WHERE id >= b.first AND id <= b.last AND account = b.account
      AND id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY id LIMIT 500) l
ORDER BY l.id;
