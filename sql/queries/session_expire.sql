-- Sessions end and their leases go back: counted as a loss where silence (or a newer boot) says that
-- the process is gone, uncounted after a goodbye. A job at its limit of losses is over. A session
-- whose beat is not the one that was seen has moved: it stays.
-- $1 bigint[] sessions · $2 bigint[] beats seen, 0: whatever it is · $3 boolean[] count a loss
-- $4 uuid[] nodes that attached · $5 bigint[] their boots (their older sessions end, counted)
-- $6 integer losses that end a job · $7 smallint outcome failed · $8 integer error worker_lost
-- → n of the given sessions that are gone
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::boolean[])
        WITH ORDINALITY AS u (session, beat, is_loss, n)
), chosen AS MATERIALIZED (
    SELECT id, node, bool_and(is_loss) AS is_loss
    FROM (SELECT s.id, s.node, t.is_loss FROM given t
          JOIN session s ON s.id = t.session AND (t.beat = 0 OR t.beat = s.beat)
          UNION ALL
          SELECT s.id, s.node, true FROM unnest($4::uuid[], $5::bigint[]) AS a (node, boot)
          JOIN session s ON s.node = a.node AND s.boot < a.boot) c
    GROUP BY id, node
), leases AS MATERIALIZED (
    SELECT l.id, l.account, c.id AS session, c.node, c.is_loss
    FROM chosen c
    CROSS JOIN LATERAL (SELECT id, account FROM live
                        WHERE session = c.id AND lease_id IS NOT NULL OFFSET 0) l
), held AS MATERIALIZED (
    SELECT l.id, l.account, w.node, w.is_loss, w.is_loss AND l.losses + 1 >= $6::integer AS is_over
    FROM (SELECT * FROM leases ORDER BY id) w
    CROSS JOIN LATERAL (SELECT id, account, losses FROM live
                        WHERE id = w.id AND account = w.account
                          AND session IS NOT DISTINCT FROM w.session
                        OFFSET 0 FOR UPDATE) l
), back AS (
    UPDATE live
    SET lease_id = NULL, session = NULL, started_at = NULL, deadline = NULL, progress = NULL,
        losses = losses + h.is_loss::integer,
        avoid = CASE WHEN h.is_loss THEN h.node ELSE avoid END
    FROM held h
    WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account AND NOT h.is_over
), over AS (
    DELETE FROM live USING held h
    WHERE live.id = ANY (ARRAY(SELECT id FROM held)) AND live.id = h.id AND live.account = h.account AND h.is_over
    RETURNING live.id, live.account, live.lease_id, live.starts, live.max_tries,
              live.started_at, h.node
), ended AS (
    INSERT INTO done (id, account, outcome, error, lease_id, node, starts, max_tries,
                      started_at)
    SELECT id, account, $7::smallint, $8::integer, lease_id, node, starts, max_tries,
           started_at
    FROM over
), gone AS (
    DELETE FROM session USING chosen c WHERE session.id = c.id
)
SELECT t.n FROM given t
WHERE EXISTS (SELECT FROM chosen c WHERE c.id = t.session)
   OR NOT EXISTS (SELECT FROM session s WHERE s.id = t.session);
