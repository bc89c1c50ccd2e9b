/*
 * One wait of a request for answers that other threads bring: the only place that suspends an
 * exchange without a time limit. Who starts work calls fm_suspend_begin first and hands the work
 * over after; each answer ends in one fm_suspend_wake.
 *
 * The race: an answer may come before fm_suspend_begin's caller has returned to the HTTP server.
 * Therefore the exchange is suspended before the work is handed over, never after: a wake that
 * comes early finds a suspended exchange and resumes it. An exchange suspended here is neither cut
 * by a deadline nor resumed by anyone else (http.h), so the request's step runs again only after
 * the last wake, and it may take fm_suspend_is_over for granted.
 *
 * Lifetime: the exchange is held from begin to the last wake. The struct lives in the request,
 * which ends no sooner than the step that follows the last wake; a waker touches it no more after
 * it has counted its answer. Threads: begin and expect on the front thread of the exchange; wake on
 * any thread.
 */
#ifndef FM_BROKER_REQUEST_SUSPEND_H
#define FM_BROKER_REQUEST_SUSPEND_H

#include <stdatomic.h>
#include <stdbool.h>

#include "broker/http/http.h"

/* Zeroed: no wait is under way. */
struct fm_suspend {
    struct fm_http_exchange *exchange;
    atomic_uint left; /* answers still to come */
};

/* Suspends the exchange until one answer has come. The step that called returns WAIT. */
void fm_suspend_begin(struct fm_suspend *wait, struct fm_http_exchange *exchange);
/* After begin, before the work is handed over: one more answer is to come. */
void fm_suspend_expect(struct fm_suspend *wait);
/* An answer is there; the last one resumes the exchange. What the answer wrote before this call is
 * seen by the request's next step. */
void fm_suspend_wake(struct fm_suspend *wait);
/* True unless answers are still to come. Only looks. */
bool fm_suspend_is_over(const struct fm_suspend *wait);

#endif
