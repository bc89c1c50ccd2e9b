/* What the files behind db.h share of libpq: results, verdicts, the raw connection. Private to
 * broker/db/. */
#ifndef FM_BROKER_DB_ROWS_H
#define FM_BROKER_DB_ROWS_H

#include "broker/db/db.h"

struct pg_conn;
struct pg_result;

/* Takes ownership of the result (NULL: no rows). */
struct fm_db_rows *fm_db_rows_of(struct pg_result *result);
/* The verdict that follows from a failed statement's SQLSTATE; `err` gets its reason. */
enum fm_db_verdict fm_db_judge(const struct pg_result *failed, struct fm_error *err);
/* Borrowed; NULL while there is no connection. The caller must leave it idle, or call fm_db_drop.
 */
struct pg_conn *fm_db_connection(struct fm_db *db);

#endif
