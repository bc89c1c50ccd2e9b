-- One row for each request that waits for a job: its key as it stands this moment, and the job, which
-- one snapshot sees either in live or in done.
-- $1 bytea[] digests, NULL: none presented · $2 uuid[] accounts, where none is presented
-- $3 uuid[] jobs · $4 uuid, $5 uuid the least and the greatest of them: partitions beyond these two
-- are neither read nor opened
-- → key: id, account, scopes, name, last4, account's name, plan, expires_at, operator
--   job: id, account, key, batch, retry_of, spec · live or done: starts, max_tries, started_at
--   live: leased, due (or deferred), tries, progress, run_at (NULL all where it is not live)
--   done: outcome, error, lease, result, completed_at, expires_at (likewise)
--   name of the node · live: pool, lane
SELECT k.id, k.account, k.scopes, k.name, k.last4, k.account_name, k.plan,
       (extract(epoch FROM k.expires_at) * 1000000)::bigint, k.is_operator,
       j.id, j.account, j.key, j.batch, j.retry_of, j.spec,
       coalesce(l.starts, d.starts), coalesce(l.max_tries, d.max_tries),
       (extract(epoch FROM coalesce(l.started_at, d.started_at)) * 1000000)::bigint,
       l.lease_id IS NOT NULL, l.run_at <= now() OR l.is_deferred, l.tries, l.progress,
       (extract(epoch FROM l.run_at) * 1000000)::bigint,
       d.outcome, d.error, d.lease_id, d.result,
       (extract(epoch FROM d.completed_at) * 1000000)::bigint,
       (extract(epoch FROM d.expires_at) * 1000000)::bigint,
       n.name, l.pool, l.lane
FROM unnest($1::bytea[], $2::uuid[], $3::uuid[])
    WITH ORDINALITY AS u (digest, account, job, n)
LEFT JOIN LATERAL (
    SELECT k.id, k.account, k.scopes, k.name, k.last4, k.expires_at, a.name AS account_name, a.plan,
           a.is_operator
    FROM api_key k JOIN account a ON a.id = k.account
    WHERE k.digest = u.digest AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > now())
    OFFSET 0) k ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN u.digest IS NULL THEN u.account ELSE k.account END AS account) o
LEFT JOIN LATERAL (
    SELECT * FROM job
    WHERE account = o.account AND id = u.job AND id BETWEEN $4::uuid AND $5::uuid OFFSET 0) j ON true
LEFT JOIN LATERAL (SELECT * FROM live WHERE id = j.id AND account = j.account OFFSET 0) l ON true
LEFT JOIN LATERAL (
    SELECT * FROM done
    WHERE account = j.account AND id = j.id AND l.id IS NULL AND id BETWEEN $4::uuid AND $5::uuid
    OFFSET 0) d ON true
LEFT JOIN LATERAL (SELECT node FROM session WHERE id = l.session OFFSET 0) s ON true
LEFT JOIN LATERAL (
    SELECT name FROM node WHERE id = coalesce(s.node, d.node) OFFSET 0) n ON true
ORDER BY u.n;
