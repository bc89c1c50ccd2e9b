/*
 * Creates and starts the private PostgreSQL cluster of a stack: data in <state>/pg, reachable
 * through a Unix socket only, with the server a child of the supervisor. It touches no other
 * cluster, and runs SQL only to create the role and the database. Called by stack.c, in the order
 * make, start, ready, and only while the stack's lock is held.
 */
#ifndef FM_CLI_CLUSTER_H
#define FM_CLI_CLUSTER_H

#include "cli/state_dir.h"

/* Creates the cluster if there is none, and rewrites its configuration on every run. initdb works
 * in pg.new, which is renamed to pg when complete, so an interrupted run leaves no half cluster.
 * SETTING when PostgreSQL is not installed. */
bool fm_cluster_make(const struct fm_state_dir *state_dir, struct fm_error *err) FM_MUST_CHECK;
/* Starts the server and returns at once. The caller ends it with SIGINT (a fast shutdown) and reaps
 * it; it gets SIGQUIT when the supervisor dies. */
bool fm_cluster_start(const struct fm_state_dir *state_dir, pid_t *pid,
                      struct fm_error *err) FM_MUST_CHECK;
/* Waits up to 60 s until the server answers, then creates role and database where missing. SYSTEM
 * when process `pid` ends first or the time runs out; `pid` is not reaped. */
bool fm_cluster_ready(const struct fm_state_dir *state_dir, pid_t pid,
                      struct fm_error *err) FM_MUST_CHECK;
/* The connection string for FETCHMEDIA_DATABASE_URL, malloc'ed. */
char *fm_cluster_url(const struct fm_state_dir *state_dir);

#endif
