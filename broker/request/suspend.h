/*
 * One wait of a request for results that other threads deliver. This is the only place that
 * suspends an exchange without a time limit. The code that starts work calls fm_suspend_begin first
 * and hands the work over afterwards; the thread that finishes it calls fm_suspend_wake once.
 *
 * The race: a result may arrive before fm_suspend_begin's caller has returned to the HTTP server.
 * Therefore the exchange is suspended before the work is handed over, never after: an early wake
 * finds a suspended exchange and resumes it. An exchange suspended here is neither cut off by a
 * deadline nor resumed by any other code (http.h), so the request's step runs again only after the
 * last wake, and may take it for granted that fm_suspend_is_over.
 *
 * Lifetime: the exchange is held from begin to the last wake. The struct lives in the request,
 * which ends no sooner than the step that follows the last wake; a waker must not touch the struct
 * after counting its result. Threads: begin and expect on the exchange's front thread; wake on any
 * thread.
 */
#ifndef FM_BROKER_REQUEST_SUSPEND_H
#define FM_BROKER_REQUEST_SUSPEND_H

#include <stdatomic.h>
#include <stdbool.h>

#include "broker/http/http.h"

/* Zeroed: no wait is under way. */
struct fm_suspend {
    struct fm_http_exchange *exchange;
    atomic_uint left; /* results still to come */
};

/* Suspends the exchange until one result has come. The calling step must then return WAIT. */
void fm_suspend_begin(struct fm_suspend *wait, struct fm_http_exchange *exchange);
/* After begin, and before the work is handed over: one more result is to come. */
void fm_suspend_expect(struct fm_suspend *wait);
/* Counts one result; the last one resumes the exchange. Memory written before this call is visible
 * to the request's next step. */
void fm_suspend_wake(struct fm_suspend *wait);
/* True unless results are still to come. Changes nothing. */
bool fm_suspend_is_over(const struct fm_suspend *wait);

#endif
