-- A node, or the same key under the same name again. $1 uuid id · $2 text name · $3 text public key (Z85)
-- → id, or nothing when the name or the key is another's, or revoked
WITH bumped AS (UPDATE epoch SET value = value + 1 WHERE name = 'node'),
added AS (
    INSERT INTO node (id, name, public_key) VALUES ($1::uuid, $2::text, $3::text)
    ON CONFLICT DO NOTHING RETURNING id
)
SELECT id FROM added
UNION ALL
SELECT id FROM node WHERE name = $2::text AND public_key = $3::text AND state = 'active';
