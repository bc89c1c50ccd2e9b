-- An account's batches and what became of their jobs, by the range of these jobs' ids; newest first.
-- $1 uuid account · $2 uuid batches up to this · $3 uuid batches from this · $4 integer rows
-- $5 smallint succeeded · $6 smallint failed · $7 smallint canceled
-- → id, jobs, canceled_at · waiting, leased · succeeded, failed, canceled, the last one's completed_at
SELECT b.id, b.jobs, (extract(epoch FROM b.canceled_at) * 1000000)::bigint,
       l.waiting, l.leased, d.succeeded, d.failed, d.canceled,
       (extract(epoch FROM d.completed_at) * 1000000)::bigint
FROM (SELECT * FROM batch WHERE account = $1::uuid AND id <= $2::uuid AND id >= $3::uuid
      ORDER BY id DESC LIMIT $4::integer) b
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE lease_id IS NULL) AS waiting,
           count(*) FILTER (WHERE lease_id IS NOT NULL) AS leased
    FROM live WHERE id >= b.first AND id <= b.last AND account = b.account) l
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome = $5::smallint) AS succeeded,
           count(*) FILTER (WHERE outcome = $6::smallint) AS failed,
           count(*) FILTER (WHERE outcome = $7::smallint) AS canceled,
           max(completed_at) AS completed_at
    FROM done WHERE account = b.account AND id >= b.first AND id <= b.last) d
ORDER BY b.id DESC;
