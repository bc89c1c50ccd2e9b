/*
 * Sends rows by COPY … FROM STDIN (FORMAT binary) on a connection of use FM_DB_COPY. Rows are
 * written field by field and sent whenever a buffer of 32 KiB is full, so any number of rows takes
 * the same memory. Blocking; after 30 s without progress the copy fails. After any failure the
 * connection is dropped, and its transaction with it.
 * Before: batch_writer. After: libpq. Threads: the thread of the connection.
 */
#ifndef FM_BROKER_DB_COPY_H
#define FM_BROKER_DB_COPY_H

#include "broker/db/db.h"

struct fm_db_copy {
    struct fm_db *db;
    struct fm_text held;
};

/* Called inside a transaction, between two fm_db_run. The COPY statement lists its columns; each
 * row must have as many fields. */
bool fm_db_copy_begin(struct fm_db_copy *copy, struct fm_db *db, const char *sql,
                      struct fm_error *err) FM_MUST_CHECK;
/* Begins a row; exactly `columns` calls of the functions below must follow, in column order. Sends
 * the buffer when it is full. */
bool fm_db_copy_row(struct fm_db_copy *copy, unsigned columns, struct fm_error *err) FM_MUST_CHECK;
void fm_db_copy_id(struct fm_db_copy *copy, const struct fm_id *id);   /* uuid */
void fm_db_copy_small(struct fm_db_copy *copy, int value);             /* smallint */
void fm_db_copy_integer(struct fm_db_copy *copy, int32_t value);       /* integer */
void fm_db_copy_time(struct fm_db_copy *copy, int64_t wall_us);        /* timestamptz */
void fm_db_copy_bytes(struct fm_db_copy *copy, struct fm_slice bytes); /* bytea, text */
bool fm_db_copy_end(struct fm_db_copy *copy, struct fm_error *err) FM_MUST_CHECK;
/* Frees the buffer, whether the copy was ended or not. */
void fm_db_copy_done(struct fm_db_copy *copy);

#endif
