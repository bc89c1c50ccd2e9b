/*
 * The hosts of a database's URL, in the order a connection tries them. libpq alone goes on from one
 * that refuses; from one that is silent it goes on only where it may block, which we may not.
 */
#ifndef FM_BROKER_DB_HOSTS_H
#define FM_BROKER_DB_HOSTS_H

#include "common/error.h"

struct pg_conn;

/* Lists as libpq takes them; NULL: as the URL has it. */
struct fm_db_hosts {
    char *host, *hostaddr, *port;
};

/* SETTING where libpq cannot read it, which no waiting mends; its text may be a password, and is
 * not told. */
bool fm_db_hosts_check(const char *url, struct fm_error *err) FM_MUST_CHECK;
/* Begins to connect to the first that lets us in; what else the URL asks for stands. */
struct pg_conn *fm_db_hosts_connect(const struct fm_db_hosts *hosts, const char *url);
/* The first of those `conn` was started with becomes the last. */
void fm_db_hosts_turn(struct fm_db_hosts *hosts, struct pg_conn *conn);
void fm_db_hosts_done(struct fm_db_hosts *hosts);

#endif
