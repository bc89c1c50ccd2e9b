-- HELLO: the session comes to be, or comes to this broker, with a new random beat so that every
-- watcher starts its count again. No row: a higher boot of that node is known.
-- $1 bigint[] new session ids · $2 uuid[] nodes · $3 bigint[] boots · $4 bigint[] beats
-- $5 bigint this broker → n, session id that stands
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[])
        WITH ORDINALITY AS u (id, node, boot, beat, n)
), made AS (
    INSERT INTO session (id, node, boot, broker, beat)
    SELECT w.id, w.node, w.boot, $5::bigint, w.beat
    FROM want w
    WHERE NOT EXISTS (SELECT FROM session s WHERE s.node = w.node AND s.boot > w.boot)
    ORDER BY w.node
    ON CONFLICT (node, boot) DO UPDATE SET broker = EXCLUDED.broker, beat = EXCLUDED.beat
    RETURNING id, node
)
SELECT w.n, m.id FROM made m JOIN want w USING (node);
