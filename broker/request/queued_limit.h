/*
 * The limit on an account's waiting jobs, from its plan: the one place that refuses more of them.
 * The jobs are counted in the database about once a second for an account that posts, and never
 * further than one beyond the limit; jobs accepted since the count are added. Threads: any.
 */
#ifndef FM_BROKER_REQUEST_QUEUED_LIMIT_H
#define FM_BROKER_REQUEST_QUEUED_LIMIT_H

#include "broker/db/reader.h"
#include "broker/request/route.h"

struct fm_queued_limit;
struct fm_queued_limit *fm_queued_limit_new(void);
void fm_queued_limit_destroy(struct fm_queued_limit **limit);

/* Before fm_queued_limit_admit: WAIT while the request counts its account's jobs, which it does
 * where a count is due and no other request is making it; the step then calls this again. NEXT once
 * the limit can be judged. */
enum fm_step fm_queued_limit_count(struct fm_request *request);
/* Accepts `jobs` more jobs of the account that the lookup found, or refuses them all:
 * TOO_MANY_ACTIVE_JOBS. An operator's account has no limit. */
bool fm_queued_limit_admit(struct fm_queued_limit *limit, const struct fm_reader_lookup *lookup,
                           size_t jobs, struct fm_error *err) FM_MUST_CHECK;

/* ---- for fm_queued_limit_count, and its tests ---- */

/* True if the caller must count now, up to `*count_up_to` jobs; for a second no other caller has
 * to. */
bool fm_queued_limit_begin_count(struct fm_queued_limit *limit,
                                 const struct fm_reader_lookup *lookup, int64_t now_ms,
                                 uint64_t *count_up_to);
void fm_queued_limit_end_count(struct fm_queued_limit *limit, const struct fm_id *account,
                               uint64_t counted, int64_t now_ms);

#endif
