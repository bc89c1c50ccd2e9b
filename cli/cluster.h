/*
 * The private PostgreSQL cluster of a stack: made on the first run, unix socket only, run as a
 * child of ours. Never touches any other cluster. Nothing here speaks SQL but to make the role and
 * the database once.
 */
#ifndef FM_CLI_CLUSTER_H
#define FM_CLI_CLUSTER_H

#include "cli/state_dir.h"

/* initdb when <state>/pg is empty, in pg.new until it is whole; configuration. SETTING when
 * PostgreSQL is not installed. */
bool fm_cluster_make(const struct fm_state_dir *place, struct fm_error *err) FM_MUST_CHECK;
/* Starts the server; its end is the caller's to reap. SIGINT ends it. */
bool fm_cluster_start(const struct fm_state_dir *place, pid_t *pid,
                      struct fm_error *err) FM_MUST_CHECK;
/* Waits until it answers (or `pid` ended), then makes role and database where missing. */
bool fm_cluster_ready(const struct fm_state_dir *place, pid_t pid,
                      struct fm_error *err) FM_MUST_CHECK;
/* For FETCHMEDIA_DATABASE_URL, malloc'ed. */
char *fm_cluster_url(const struct fm_state_dir *place);

#endif
