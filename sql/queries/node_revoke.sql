-- $1 text name → id, or nothing
WITH bumped AS (UPDATE epoch SET value = value + 1 WHERE name = 'node')
UPDATE node SET state = 'revoked' WHERE name = $1::text RETURNING id;
