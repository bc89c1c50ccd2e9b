-- A job comes to be: what was asked, and one row, waiting or born leased. Born leased counts as a
-- claim: where its session is not mine (any more) it waits. Run twice it changes nothing, even when
-- the job has ended meanwhile; no row then: see job_found.
-- $1 uuid[] ids · $2 uuid[] accounts · $3 uuid[] keys · $4 smallint[] types · $5 smallint[] sites
-- $6 text[] pools · $7 smallint[] lanes · $8 timestamptz[] run_at, NULL: now · $9 smallint[] max_tries
-- $10 integer[] timeout_s · $11 integer[] expires_s · $12 bytea[] specs
-- $13 bigint[] leases, 0: to wait · $14 bigint[] their sessions · $15 bigint this broker
-- $16 uuid[] the jobs they repeat, NULL: none
-- → n of those to be born leased, whether they are
WITH want AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::smallint[],
                         $6::text[], $7::smallint[], $8::timestamptz[], $9::smallint[],
                         $10::integer[], $11::integer[], $12::bytea[], $13::bigint[], $14::bigint[],
                         $16::uuid[])
        WITH ORDINALITY
        AS u (id, account, key, type, site, pool, lane, run_at, max_tries, timeout_s, expires_s, spec,
              lease, session, retry_of, n)
), mine AS MATERIALIZED (
    SELECT id FROM session WHERE id = ANY ($14::bigint[]) AND broker = $15::bigint
    ORDER BY id FOR KEY SHARE
), asked AS (
    INSERT INTO job (id, account, key, type, site, retry_of, spec)
    SELECT id, account, key, type, site, retry_of, spec FROM want ORDER BY account, id
    ON CONFLICT DO NOTHING
    RETURNING id, account
), born AS MATERIALIZED (
    SELECT w.n, w.id, w.account, w.pool, w.lane, w.site, w.max_tries, w.timeout_s, w.expires_s,
           w.run_at, w.lease, w.session, m.id IS NOT NULL AS is_leased
    FROM want w
    JOIN asked a ON a.id = w.id AND a.account = w.account
    LEFT JOIN mine m ON m.id = w.session AND w.lease <> 0
), stored AS (
    INSERT INTO live (id, account, pool, lane, site, max_tries, timeout_s, expires_s, run_at,
                      starts, lease_id, session, started_at, deadline)
    SELECT id, account, pool, lane, site, max_tries, timeout_s, expires_s, coalesce(run_at, now()),
           is_leased::integer, CASE WHEN is_leased THEN lease END,
           CASE WHEN is_leased THEN session END, CASE WHEN is_leased THEN now() END,
           CASE WHEN is_leased THEN now() + make_interval(secs => timeout_s) END
    FROM born
    ORDER BY id
)
SELECT n, is_leased FROM born WHERE lease <> 0;
