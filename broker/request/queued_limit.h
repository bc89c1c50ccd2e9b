/*
 * How many jobs an account has waiting, against its plan: the one place that refuses more of them.
 * Counted in the database about once a second for an account that posts, never beyond its plan's
 * cap; what was accepted since is added. Threads: any.
 */
#ifndef FM_BROKER_REQUEST_QUEUED_LIMIT_H
#define FM_BROKER_REQUEST_QUEUED_LIMIT_H

#include "broker/request/request.h"

struct fm_queued_limit;
struct fm_queued_limit *fm_queued_limit_new(void);
void fm_queued_limit_destroy(struct fm_queued_limit **load);

/* Before fm_queued_limit_may_queue, in a step that answers WAIT while this is true: the request
 * counts its account's jobs first, where that is due and no other request is at it. */
bool fm_queued_limit_is_counting(struct fm_request *request);
/* Accepts so many more jobs of the account of an answered look, or refuses them all:
 * TOO_MANY_ACTIVE_JOBS. Never refuses an operator's. */
bool fm_queued_limit_may_queue(struct fm_queued_limit *load, const struct fm_reader_lookup *look,
                               size_t jobs, struct fm_error *err) FM_MUST_CHECK;

/* ---- for fm_queued_limit_is_counting, and its tests ---- */

/* The count is due, and the caller's to make: for a second nobody else is told so. `limit` gets how
 * far to count. */
bool fm_queued_limit_begin_count(struct fm_queued_limit *load, const struct fm_reader_lookup *look,
                                 int64_t now_ms, uint64_t *limit);
void fm_queued_limit_end_count(struct fm_queued_limit *load, const struct fm_id *account,
                               uint64_t count, int64_t now_ms);

#endif
