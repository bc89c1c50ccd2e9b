-- Partitions whose youngest id is so old, oldest first, and of a day `job` before `done`; also one that
-- was detached and not dropped.
-- $1 integer days → name, the smallest id behind it, what detaches it (empty: it is), what drops it
SELECT d.name, (lpad(to_hex((extract(epoch FROM d.day + 1) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid,
       CASE WHEN i.inhdetachpending THEN format('ALTER TABLE %I DETACH PARTITION %I FINALIZE', p.relname, d.name)
            WHEN i.inhrelid IS NOT NULL THEN format('ALTER TABLE %I DETACH PARTITION %I CONCURRENTLY', p.relname, d.name)
            ELSE '' END,
       format('DROP TABLE %I', d.name)
FROM (SELECT oid, relname AS name, to_date(right(relname, 8), 'YYYYMMDD') AS day
      FROM pg_class
      WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'live'::regclass)
        AND relkind = 'r' AND relname ~ '^(job|done)_[0-9]{8}$') d
LEFT JOIN pg_inherits i ON i.inhrelid = d.oid
LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE d.day + 1 + $1::integer <= current_date
ORDER BY d.day, d.name DESC;
