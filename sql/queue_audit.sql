-- What must never be: one row for each problem, none when all is well. `psql -f sql/queue_audit.sql`
SELECT 'job is in neither live nor done' AS problem, j.id::text AS subject
FROM job j
WHERE NOT EXISTS (SELECT FROM live l WHERE l.id = j.id AND l.account = j.account)
  AND NOT EXISTS (SELECT FROM done d WHERE d.account = j.account AND d.id = j.id)
UNION ALL
SELECT 'job is in live and in done', l.id::text
FROM live l JOIN done d ON d.account = l.account AND d.id = l.id
UNION ALL
SELECT 'live row without a job', l.id::text
FROM live l
WHERE NOT EXISTS (SELECT FROM job j WHERE j.account = l.account AND j.id = l.id)
UNION ALL
SELECT 'done row without a job', d.id::text
FROM done d
WHERE NOT EXISTS (SELECT FROM job j WHERE j.account = d.account AND j.id = d.id)
UNION ALL
SELECT 'lease without a session', l.id::text
FROM live l
WHERE l.lease_id IS NOT NULL AND NOT EXISTS (SELECT FROM session s WHERE s.id = l.session)
UNION ALL
SELECT 'lease without a deadline or a start', l.id::text
FROM live l
WHERE l.lease_id IS NOT NULL AND (l.deadline IS NULL OR l.started_at IS NULL OR l.starts = 0)
UNION ALL
SELECT 'lease held by two jobs', l.lease_id::text
FROM live l
WHERE l.lease_id IS NOT NULL
GROUP BY l.lease_id HAVING count(*) > 1
UNION ALL
SELECT 'lease of a job that ended by it', l.id::text
FROM live l JOIN done d ON d.account = l.account AND d.id = l.id AND d.lease_id = l.lease_id
UNION ALL
SELECT 'waiting job keeps what an attempt left', l.id::text
FROM live l
WHERE l.lease_id IS NULL AND (l.started_at IS NOT NULL OR l.deadline IS NOT NULL OR l.progress IS NOT NULL)
UNION ALL
SELECT 'count over its limit', l.id::text
FROM live l
WHERE l.tries >= l.max_tries OR l.losses >= 3 OR l.crashes >= 2
UNION ALL
SELECT 'file of an attempt that did not win', f.id::text
FROM file f
WHERE NOT EXISTS (SELECT FROM done d WHERE d.account = f.account AND d.id = f.job
                    AND d.lease_id = f.lease_id AND d.expires_at IS NOT NULL)
UNION ALL
SELECT 'two sessions of one node', s.node::text
FROM session s
GROUP BY s.node HAVING count(*) > 1;
