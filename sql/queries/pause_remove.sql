-- $1 text kind · $2 text subject → id, or nothing when there is no such pause
WITH bumped AS (UPDATE epoch SET value = value + 1 WHERE name = 'pause')
DELETE FROM pause WHERE kind = $1::text AND subject = $2::text RETURNING id;
