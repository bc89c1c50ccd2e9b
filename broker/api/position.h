/*
 * A waiting job's position: how many jobs start before it in its pool, lane and account. The first
 * 1,001 keys of each such line are listed about once a second while a client wants to know, for all
 * who do, and again for a job that came since. Threads: any.
 */
#ifndef FM_BROKER_API_POSITION_H
#define FM_BROKER_API_POSITION_H

#include "broker/request/request.h"

struct fm_position;
struct fm_position *fm_position_new(void);
void fm_position_destroy(struct fm_position **place);

/* For a request whose lookup found its job: WAIT while the request lists the job's line, which it
 * does where a list is due and no other request is making it; the step then calls this again. NEXT
 * once the row's `ahead` is filled: -1 for a job that does not wait, or that more than 1,000
 * precede. */
enum fm_step fm_position_find(struct fm_request *request);

/* ---- for fm_position_find, and its tests ---- */

struct fm_position_key {
    int64_t run_at_us;
    struct fm_id id;
};

/* True if the caller must list the row's line now; for a second no other caller has to. */
bool fm_position_begin_list(struct fm_position *position, const struct fm_reader_job *row,
                            int64_t now_ms);
/* Takes ownership of the keys. */
void fm_position_end_list(struct fm_position *position, const struct fm_reader_job *row,
                          struct fm_position_key *keys, size_t count, int64_t now_ms);
int64_t fm_position_ahead(struct fm_position *position, const struct fm_reader_job *row);

#endif
