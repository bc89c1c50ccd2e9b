-- What was asked, of all jobs of a batch: see db_copy.h.
COPY job (id, account, key, type, site, batch, spec) FROM STDIN (FORMAT binary);
