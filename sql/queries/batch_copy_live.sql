-- The waiting row of each job of a batch: see db/batch_writer.h.
COPY live (id, account, pool, lane, site, max_tries, timeout_s, expires_s, run_at) FROM STDIN (FORMAT binary);
