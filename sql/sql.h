/*
 * Every statement and migration as text, embedded at build from sql/queries and sql/migrations:
 * queries/job_claim.sql is `fm_sql_job_claim`. The head of each file says what its parameters are.
 */
#ifndef FM_SQL_SQL_H
#define FM_SQL_SQL_H

#include <stddef.h>

#include "sql/queries.h"

struct fm_sql_migration {
    unsigned number;
    const char *name;
    const char *text; /* several statements */
};

/* In the order they are applied. */
extern const struct fm_sql_migration fm_sql_migrations[];
extern const size_t fm_sql_migration_count;

#endif
