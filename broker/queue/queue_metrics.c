/* Counters of committed events: see queue_metrics.h. */
#include "broker/queue/queue_metrics.h"

#include <stdatomic.h>
#include <string.h>

#define ERRORS_MAX 512 /* above the highest wire number of common/error.def */

static atomic_uint_fast64_t ended[FM_STATE_COUNT][ERRORS_MAX];

/* Several errors may share one public code, but a metric must not list the same labels twice: all
 * of them are counted under the first error that has the code. */
static size_t first_alike(enum fm_error_code error)
{
    const struct fm_error_row *row = fm_error_row(error);
    for (size_t i = 1; i < ERRORS_MAX && error != FM_NONE; i++) {
        const struct fm_error_row *other = fm_error_row((enum fm_error_code)i);
        if ((size_t)other->code == i && strcmp(other->public_code, row->public_code) == 0) {
            return i;
        }
    }
    return FM_NONE;
}

static void count_end(enum fm_state state, enum fm_error_code error)
{
    atomic_fetch_add_explicit(
        &ended[state < FM_STATE_COUNT ? state : FM_STATE_FAILED][first_alike(error)], 1,
        memory_order_relaxed);
}

static void count_release(const struct fm_queue_event *event)
{
    static const enum fm_metric given_back[] = {
        [FM_RELEASE_RETRY] = FM_METRIC_JOBS_RETRIED,
        [FM_RELEASE_CRASH] = FM_METRIC_JOBS_CRASHED,
        [FM_RELEASE_LOSS] = FM_METRIC_LEASES_LOST,
        [FM_RELEASE_UNCOUNTED] = FM_METRIC_LEASES_RETURNED,
    };
    if (event->outcome == FM_QUEUE_MOVED) {
        fm_metrics_add(given_back[event->release], 1);
    } else if (event->outcome == FM_QUEUE_ENDED) {
        count_end(FM_STATE_FAILED,
                  event->release == FM_RELEASE_LOSS ? FM_WORKER_LOST : event->error);
    }
}

static void count_moved(const struct fm_queue_event *event)
{
    switch (event->kind) {
    case FM_QUEUE_ENQUEUE:
        fm_metrics_add(FM_METRIC_JOBS_ACCEPTED, 1);
        fm_metrics_add(FM_METRIC_JOBS_STARTED, event->is_leased ? 1 : 0);
        break;
    case FM_QUEUE_CLAIM:
        fm_metrics_add(FM_METRIC_JOBS_STARTED, 1);
        break;
    case FM_QUEUE_FINISH:
        count_end(event->state, event->error);
        break;
    case FM_QUEUE_CANCEL:
        count_end(FM_STATE_CANCELED, FM_NONE);
        break;
    case FM_QUEUE_EXPIRE:
        fm_metrics_add(FM_METRIC_SESSIONS_LOST, event->is_loss ? 1 : 0);
        break;
    default:
        break;
    }
}

void fm_queue_metrics_event(const struct fm_queue_event *event)
{
    if (event->outcome == FM_QUEUE_FAILED) {
        fm_metrics_add(FM_METRIC_EVENTS_FAILED, 1);
    } else if (event->kind == FM_QUEUE_RELEASE) {
        count_release(event);
    } else if (event->outcome == FM_QUEUE_MOVED) {
        count_moved(event);
    }
}

void fm_queue_metrics_list(struct fm_metrics_list *list)
{
    for (size_t i = 0; i < (size_t)FM_STATE_COUNT * ERRORS_MAX; i++) {
        enum fm_state state = (enum fm_state)(i / ERRORS_MAX);
        enum fm_error_code error = (enum fm_error_code)(i % ERRORS_MAX);
        uint64_t number = atomic_load_explicit(&ended[state][error], memory_order_relaxed);
        if (number > 0) {
            fm_metrics_list_add(list, FM_METRIC_JOBS_ENDED, number, "outcome=\"%s\",error=\"%s\"",
                                fm_state_name(state),
                                error == FM_NONE ? "" : fm_error_row(error)->public_code);
        }
    }
}
