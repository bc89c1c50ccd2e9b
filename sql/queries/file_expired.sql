-- Files whose time is over, oldest first. No parameters → id, account, job, lease, name
SELECT id, account, job, lease_id, name FROM file WHERE expires_at < now() ORDER BY expires_at LIMIT 500;
