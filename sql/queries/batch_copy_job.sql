-- What was asked, of all jobs of a batch: see db/batch_writer.h.
COPY job (id, account, key, type, site, batch, spec) FROM STDIN (FORMAT binary);
