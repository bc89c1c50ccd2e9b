/*
 * Runs a private PostgreSQL for one test program: a cluster of its own, reachable by a Unix socket
 * only. It is ended by its pid, and with the test. Started by root it runs as the user postgres,
 * because initdb refuses root.
 */
#ifndef FM_TESTS_POSTGRES_H
#define FM_TESTS_POSTGRES_H

#include <stdbool.h>
#include <sys/types.h>

#include "broker/db/db.h"

struct postgres {
    char folder[64];
    char url[160]; /* of a database with the schema; logs in as its superuser */
    pid_t pid;
    struct fm_db *db; /* for postgres_run and postgres_ask */
};

/* Runs initdb, starts the server, connects, migrates. Asserts that each step works. */
void postgres_start(struct postgres *postgres);
/* Ends the server at once and removes its folder. */
void postgres_stop(struct postgres *postgres);
/* Ends the server with SIGQUIT, which leaves the data as a crash does; postgres_again starts it on
 * the same data. */
void postgres_crash(struct postgres *postgres);
void postgres_again(struct postgres *postgres);

/* Runs one or more statements; asserts success. */
void postgres_run(struct postgres *postgres, const char *sql);
/* The first column of the first row as a number; asserts that there is one. */
long long postgres_ask(struct postgres *postgres, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Empties the tables of jobs, sessions and accounts. */
void postgres_empty(struct postgres *postgres);
/* Runs sql/queue_audit.sql, prints its rows and returns their number: each is a problem. */
size_t postgres_audit(struct postgres *postgres);

#endif
