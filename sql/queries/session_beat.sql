-- Heard of, and still mine: the beat rises. No row: not mine, forget that worker.
-- $1 bigint[] sessions · $2 bigint this broker → n
WITH want AS MATERIALIZED (
    SELECT u.session, u.n FROM unnest($1::bigint[]) WITH ORDINALITY AS u (session, n)
), held AS MATERIALIZED (
    SELECT s.id, w.n
    FROM (SELECT * FROM want ORDER BY session) w
    CROSS JOIN LATERAL (SELECT id FROM session WHERE id = w.session AND broker = $2::bigint
                        OFFSET 0 FOR NO KEY UPDATE) s
)
UPDATE session SET beat = session.beat + 1 FROM held h WHERE session.id = h.id RETURNING h.n;
