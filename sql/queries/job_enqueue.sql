-- A job comes to be: what was asked, and one waiting row. Run twice it changes nothing, even when
-- the job has ended meanwhile.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 uuid[] keys · $4 smallint[] types · $5 smallint[] sites
-- $6 text[] pools · $7 smallint[] lanes · $8 timestamptz[] run_at, NULL: now · $9 smallint[] max_tries
-- $10 integer[] timeout_s · $11 integer[] expires_s · $12 bytea[] specs
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::smallint[],
                         $6::text[], $7::smallint[], $8::timestamptz[], $9::smallint[],
                         $10::integer[], $11::integer[], $12::bytea[])
        AS u (id, account, key, type, site, pool, lane, run_at, max_tries, timeout_s, expires_s, spec)
), asked AS (
    INSERT INTO job (id, account, key, type, site, spec)
    SELECT id, account, key, type, site, spec FROM want ORDER BY account, id
    ON CONFLICT DO NOTHING
    RETURNING id, account
)
INSERT INTO live (id, account, pool, lane, site, max_tries, timeout_s, expires_s, run_at)
SELECT w.id, w.account, w.pool, w.lane, w.site, w.max_tries, w.timeout_s, w.expires_s,
       coalesce(w.run_at, now())
FROM want w JOIN asked a ON a.id = w.id AND a.account = w.account
ORDER BY w.id;
