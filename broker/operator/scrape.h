/*
 * The operator's HTTP server (metrics_listen): GET /metrics, /healthz and /readyz, nothing else. It
 * asks for no key; only the address it listens on protects it. A scrape reads the queue's numbers
 * from the database if the last read is five seconds old; all others cost no query.
 * Before: main.c, which opens it after the API's server and closes it before that. After: reader
 * (the one statement), metrics, api/status.
 * Owns: the numbers last read, under a lock. Threads: its server's one front thread and one sweep
 * thread; a reader thread only wakes the request.
 */
#ifndef FM_BROKER_OPERATOR_SCRAPE_H
#define FM_BROKER_OPERATOR_SCRAPE_H

#include "broker/request/request.h"

/* `api` is the listener whose connections and drain are reported. Everything is borrowed until the
 * new listener's fm_http_close, which must come before the others are closed. */
bool fm_scrape_open(const struct fm_front *front, struct fm_http *api, struct fm_http **http,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
