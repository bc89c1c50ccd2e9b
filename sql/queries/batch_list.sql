-- A page of an account's batches, newest first, with what became of their jobs.
-- $1 uuid account · $2 uuid ids below this · $3 integer rows · $4 smallint succeeded
-- $5 smallint failed · $6 smallint canceled → as batch_count.sql · id
SELECT b.jobs, (extract(epoch FROM b.canceled_at) * 1000000)::bigint,
       l.waiting, l.leased, d.succeeded, d.failed, d.canceled,
       (extract(epoch FROM d.completed_at) * 1000000)::bigint, b.id
FROM (SELECT * FROM batch WHERE account = $1::uuid AND id < $2::uuid
      ORDER BY id DESC LIMIT $3::integer) b
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE lease_id IS NULL) AS waiting,
           count(*) FILTER (WHERE lease_id IS NOT NULL) AS leased
    FROM live WHERE id >= b.first AND id <= b.last AND account = b.account) l
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome = $4::smallint) AS succeeded,
           count(*) FILTER (WHERE outcome = $5::smallint) AS failed,
           count(*) FILTER (WHERE outcome = $6::smallint) AS canceled,
           max(completed_at) AS completed_at
    FROM done WHERE account = b.account AND id >= b.first AND id <= b.last) d
ORDER BY b.id DESC;
