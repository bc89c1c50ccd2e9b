-- $1 uuid id · $2 text kind · $3 text subject · $4 text reason → id; one that stands keeps its own;
-- nothing when there is no such account
WITH bumped AS (UPDATE epoch SET value = value + 1 WHERE name = 'pause')
INSERT INTO pause (id, kind, subject, reason)
SELECT $1::uuid, $2::text, $3::text, $4::text
WHERE $2::text <> 'account' OR EXISTS (SELECT FROM account WHERE id::text = $3::text)
ON CONFLICT (kind, subject) DO UPDATE SET reason = excluded.reason
RETURNING id;
