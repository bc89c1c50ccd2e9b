/*
 * Finds how many jobs of the same account wait before a job in its pool and lane (its line). The
 * first 1,001 keys of a line are read about once a second while clients poll its jobs, and shared
 * by all requests; a job that came after that read causes another. At most 256 lines are kept.
 * Before: api/poll.c, just before it replies with a job. After: `ahead` in the request's
 * lookup.found is set. Reads the database through the reader, on no thread of its own.
 * Owns: the lists, under a lock. Threads: any; fm_position_find on the request's front thread.
 */
#ifndef FM_BROKER_API_POSITION_H
#define FM_BROKER_API_POSITION_H

#include "broker/request/request.h"

struct fm_position;
struct fm_position *fm_position_new(void);
void fm_position_destroy(struct fm_position **position);

/* For a request whose lookup found its job. Returns WAIT while this request lists the job's line,
 * which it does if a list is due and no other request is making it; the step then calls this again.
 * Returns NEXT once the row's `ahead` is filled: -1 if the job is not waiting for its turn, if more
 * than 1,000 jobs precede it, or if there is no list yet. */
enum fm_step fm_position_find(struct fm_request *request);

/* ---- for fm_position_find, and its tests ---- */

/* Where a job stands in its line: jobs start in the order of these. */
struct fm_position_key {
    int64_t run_at_us; /* since 1970 */
    struct fm_id id;
};

/* True if the caller must list the row's line now. Other callers then get false for a second, as
 * long as an older list can serve. */
bool fm_position_begin_list(struct fm_position *position, const struct fm_reader_job *row,
                            int64_t now_ms);
/* Stores the line's keys, sorted, and takes ownership of them. */
void fm_position_end_list(struct fm_position *position, const struct fm_reader_job *row,
                          struct fm_position_key *keys, size_t count, int64_t now_ms);
/* How many listed jobs start before the row; -1 if that is more than 1,000, or not known. */
int64_t fm_position_ahead(struct fm_position *position, const struct fm_reader_job *row);

#endif
