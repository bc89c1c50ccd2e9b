-- Waiting jobs become leased by the leases named, on sessions that are mine. A row that a rival
-- holds is skipped; a rerun of the same lease finds its own row and changes nothing.
-- The form is immune to flips of the plan: the OR keeps the lookup off the partial index.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 bigint[] leases · $4 bigint[] sessions
-- $5 bigint this broker → n, starts, milliseconds left, spec
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
        WITH ORDINALITY AS u (id, account, lease, session, n)
), mine AS MATERIALIZED (
    SELECT id FROM session WHERE id = ANY ($4::bigint[]) AND broker = $5::bigint
    ORDER BY id FOR KEY SHARE
), held AS MATERIALIZED (
    SELECT l.id, l.account, w.lease, w.session, w.n
    FROM (SELECT want.* FROM want JOIN mine ON mine.id = want.session ORDER BY want.id) w
    CROSS JOIN LATERAL (SELECT id, account FROM live
                        WHERE id = w.id AND account = w.account
                          AND (lease_id IS NULL AND run_at <= now() OR lease_id = w.lease)
                        OFFSET 0 FOR UPDATE SKIP LOCKED) l
), moved AS (
    UPDATE live
    SET lease_id = h.lease, session = h.session,
        starts = least(starts + (lease_id IS NULL)::integer, 32767), -- a full disk may refuse it for days
        started_at = coalesce(started_at, now()),
        deadline = coalesce(deadline, now() + make_interval(secs => timeout_s))
    FROM held h
    WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account
    RETURNING h.n, live.id, live.account, live.starts, live.deadline
)
SELECT m.n, m.starts, (extract(epoch FROM m.deadline - now()) * 1000)::bigint, j.spec
FROM moved m
LEFT JOIN LATERAL (SELECT spec FROM job WHERE account = m.account AND id = m.id OFFSET 0) j ON true;
