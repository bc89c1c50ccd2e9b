/* The results of libpq behind the rows of db.h; for db.c alone. */
#ifndef FM_BROKER_DB_ROWS_H
#define FM_BROKER_DB_ROWS_H

struct fm_db_rows;
struct pg_result;

/* Takes the result (may be NULL: no rows). */
struct fm_db_rows *fm_db_rows_of(struct pg_result *result);

#endif
