/*
 * The operator's listener (metrics_listen): GET /metrics, /healthz and /readyz, and nothing else.
 * It asks for no key: its address is the wall. The queue as a whole is read only when somebody
 * scrapes, and at most every five seconds.
 */
#ifndef FM_BROKER_OPERATOR_SCRAPE_H
#define FM_BROKER_OPERATOR_SCRAPE_H

#include "broker/request/request.h"

/* `api`: the listener whose connections and drain are told. All is borrowed until fm_http_close of
 * the new one, which must come before theirs. */
bool fm_scrape_open(const struct fm_front *front, struct fm_http *api, struct fm_http **http,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
