/*
 * Serves the operator's listener (metrics_listen): GET /metrics, /healthz and /readyz, and nothing
 * else. It asks for no key; only the address it listens on protects it. The state of the whole
 * queue is read from the database only on a scrape, and about once in five seconds at most.
 * Owns: its fm_http and one thread. Threads: fm_scrape_open on the main thread.
 */
#ifndef FM_BROKER_OPERATOR_SCRAPE_H
#define FM_BROKER_OPERATOR_SCRAPE_H

#include "broker/request/request.h"

/* `api` is the listener whose connections and drain are reported. Everything is borrowed until the
 * new listener's fm_http_close, which must come before the others are closed. */
bool fm_scrape_open(const struct fm_front *front, struct fm_http *api, struct fm_http **http,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
