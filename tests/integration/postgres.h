/*
 * A private PostgreSQL for one test program: own cluster, unix socket alone, ended by its pid. As
 * root it runs as the user postgres, which initdb asks for.
 */
#ifndef FM_TESTS_POSTGRES_H
#define FM_TESTS_POSTGRES_H

#include <stdbool.h>
#include <sys/types.h>

#include "broker/db/db.h"

struct postgres {
    char folder[64];
    char url[160]; /* of a database with the schema, as its superuser */
    pid_t pid;
    struct fm_db *db; /* for the tests' own questions */
};

/* initdb, start, connect, migrate. Asserts that each works. */
void postgres_start(struct postgres *postgres);
/* Ends the server at once and removes its folder. */
void postgres_stop(struct postgres *postgres);
/* SIGQUIT, as a crash; and started again on the same data. */
void postgres_crash(struct postgres *postgres);
void postgres_again(struct postgres *postgres);

/* Runs statements; asserts success. */
void postgres_run(struct postgres *postgres, const char *sql);
/* The first column of the first row as a number; asserts that there is one. */
long long postgres_ask(struct postgres *postgres, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Empties all that jobs, sessions and accounts are made of. */
void postgres_empty(struct postgres *postgres);
/* Rows of sql/queue_audit.sql: problems; prints them. */
size_t postgres_audit(struct postgres *postgres);

#endif
