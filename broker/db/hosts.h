/*
 * Decides in which order a connection tries the hosts of the database URL. libpq moves on by itself
 * from a host that refuses, but from a silent host only in its blocking mode, which the broker does
 * not use: so after a timeout db.c rotates the list. Used by db.c alone. Threads: the connection's.
 */
#ifndef FM_BROKER_DB_HOSTS_H
#define FM_BROKER_DB_HOSTS_H

#include "common/error.h"

struct pg_conn;

/* Comma-separated lists, as libpq takes them; NULL: the URL's own. */
struct fm_db_hosts {
    char *host, *hostaddr, *port;
};

/* Fails with SETTING if libpq cannot parse the URL. The error never quotes the URL, which may hold
 * a password. */
bool fm_db_hosts_check(const char *url, struct fm_error *err) FM_MUST_CHECK;
/* Begins to connect to the first host that accepts; all other options of the URL apply. Never NULL.
 */
struct pg_conn *fm_db_hosts_connect(const struct fm_db_hosts *hosts, const char *url);
/* Moves the first host of the list that `conn` was started with to the end. */
void fm_db_hosts_turn(struct fm_db_hosts *hosts, struct pg_conn *conn);
void fm_db_hosts_done(struct fm_db_hosts *hosts);

#endif
