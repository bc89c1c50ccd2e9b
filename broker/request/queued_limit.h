/*
 * Enforces the limit on an account's waiting jobs that its plan sets. This is the only place that
 * refuses a job for that reason. While an account posts, its jobs are counted in the database about
 * once a second, never further than one beyond the limit; jobs that this broker has accepted since
 * the count are added. So with several brokers on one database the limit may be exceeded for about
 * a second. Threads: any.
 */
#ifndef FM_BROKER_REQUEST_QUEUED_LIMIT_H
#define FM_BROKER_REQUEST_QUEUED_LIMIT_H

#include "broker/db/reader.h"
#include "broker/request/route.h"

struct fm_queued_limit;
struct fm_queued_limit *fm_queued_limit_new(void);
void fm_queued_limit_destroy(struct fm_queued_limit **limit);

/* To be called before fm_queued_limit_admit. Returns WAIT while this request counts its account's
 * jobs, which it does if a count is due and no other request is making it; the step then calls this
 * again. Returns NEXT once fm_queued_limit_admit may be called; a count that failed is skipped. */
enum fm_step fm_queued_limit_count(struct fm_request *request);
/* Accepts `jobs` more jobs for the account that the lookup found, or refuses all of them with
 * TOO_MANY_ACTIVE_JOBS. Accepted jobs count at once, even if their commit fails later: the next
 * count corrects that. An operator's account has no limit. */
bool fm_queued_limit_admit(struct fm_queued_limit *limit, const struct fm_reader_lookup *lookup,
                           size_t jobs, struct fm_error *err) FM_MUST_CHECK;

/* ---- for fm_queued_limit_count, and its tests ---- */

/* True if the caller must count now, up to `*count_up_to` jobs. Other callers then get false for a
 * second, as long as an older count can serve. */
bool fm_queued_limit_begin_count(struct fm_queued_limit *limit,
                                 const struct fm_reader_lookup *lookup, int64_t now_ms,
                                 uint64_t *count_up_to);
/* Stores the result of a count that fm_queued_limit_begin_count asked for. */
void fm_queued_limit_end_count(struct fm_queued_limit *limit, const struct fm_id *account,
                               uint64_t counted, int64_t now_ms);

#endif
