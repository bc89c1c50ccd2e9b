/*
 * COPY … FROM STDIN (FORMAT binary) on a connection of use FM_DB_COPY: rows are put field by field
 * and sent as they fill a buffer, so any number of them takes the same memory. Blocking; a server
 * that takes nothing for SILENCE_MS is given up. After a failure the connection is dropped, and the
 * transaction with it. Threads: the connection's.
 */
#ifndef FM_BROKER_DB_COPY_H
#define FM_BROKER_DB_COPY_H

#include "broker/db/db.h"

struct fm_db_copy {
    struct fm_db *db;
    struct fm_text held;
};

/* Between two fm_db_run of one transaction. The statement names its columns, their number is
 * `columns` of each row. */
bool fm_db_copy_begin(struct fm_db_copy *copy, struct fm_db *db, const char *sql,
                      struct fm_error *err) FM_MUST_CHECK;
/* A row: its number of fields, then each of them. Sends when enough is held. */
bool fm_db_copy_row(struct fm_db_copy *copy, unsigned columns, struct fm_error *err) FM_MUST_CHECK;
void fm_db_copy_id(struct fm_db_copy *copy, const struct fm_id *id);   /* uuid */
void fm_db_copy_small(struct fm_db_copy *copy, int value);             /* smallint */
void fm_db_copy_integer(struct fm_db_copy *copy, int32_t value);       /* integer */
void fm_db_copy_time(struct fm_db_copy *copy, int64_t wall_us);        /* timestamptz */
void fm_db_copy_bytes(struct fm_db_copy *copy, struct fm_slice bytes); /* bytea, text */
bool fm_db_copy_end(struct fm_db_copy *copy, struct fm_error *err) FM_MUST_CHECK;
/* Frees what is held; ended or not. */
void fm_db_copy_done(struct fm_db_copy *copy);

#endif
