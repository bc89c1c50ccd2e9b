-- A batch and what became of its jobs, by the range of their ids.
-- $1 uuid account · $2 uuid batch · $3 smallint succeeded · $4 smallint failed · $5 smallint canceled
-- → jobs, canceled_at · waiting, leased · succeeded, failed, canceled, the last one's completed_at
SELECT b.jobs, (extract(epoch FROM b.canceled_at) * 1000000)::bigint,
       l.waiting, l.leased, d.succeeded, d.failed, d.canceled,
       (extract(epoch FROM d.completed_at) * 1000000)::bigint
FROM (SELECT * FROM batch WHERE account = $1::uuid AND id = $2::uuid OFFSET 0) b
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE lease_id IS NULL) AS waiting,
           count(*) FILTER (WHERE lease_id IS NOT NULL) AS leased
    FROM live WHERE id >= b.first AND id <= b.last AND account = b.account) l
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome = $3::smallint) AS succeeded,
           count(*) FILTER (WHERE outcome = $4::smallint) AS failed,
           count(*) FILTER (WHERE outcome = $5::smallint) AS canceled,
           max(completed_at) AS completed_at
    FROM done WHERE account = b.account AND id >= b.first AND id <= b.last) d;
