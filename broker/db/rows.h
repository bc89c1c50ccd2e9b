/* What the files behind db.h share of libpq; private to them. */
#ifndef FM_BROKER_DB_ROWS_H
#define FM_BROKER_DB_ROWS_H

#include "broker/db/db.h"

struct pg_conn;
struct pg_result;

/* Takes the result (may be NULL: no rows). */
struct fm_db_rows *fm_db_rows_of(struct pg_result *result);
/* What a failed statement means for the rest, by its SQLSTATE; `err` gets its reason. */
enum fm_db_verdict fm_db_judge(const struct pg_result *failed, struct fm_error *err);
/* Borrowed; NULL while there is none. Whoever uses it leaves it idle, or drops it. */
struct pg_conn *fm_db_connection(struct fm_db *db);

#endif
