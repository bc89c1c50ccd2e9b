-- Every pause. No parameters → kind, subject, reason, when it was made in microseconds
SELECT kind, subject, reason, (extract(epoch FROM created_at) * 1000000)::bigint
FROM pause ORDER BY created_at, id;
