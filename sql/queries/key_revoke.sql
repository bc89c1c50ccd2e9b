-- $1 uuid id → id, or nothing when there is no such key
WITH bumped AS (UPDATE epoch SET value = value + 1 WHERE name = 'key')
UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1::uuid RETURNING id;
