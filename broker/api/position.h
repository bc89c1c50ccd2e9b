/*
 * Where a waiting job stands: how many are before it in its pool, lane and account. The first 1,001
 * of each such place are listed about once a second while somebody asks, for all who ask, and anew
 * for a job that came since. Threads: any.
 */
#ifndef FM_BROKER_API_POSITION_H
#define FM_BROKER_API_POSITION_H

#include "broker/request/request.h"

struct fm_position;
struct fm_position *fm_position_new(void);
void fm_position_destroy(struct fm_position **place);

/* For a request whose look-up found its job, in a step that answers WAIT while this is true: the
 * place is listed, where that is due and no other request is at it. After that the row's `ahead` is
 * filled; -1 for one that does not wait, or that more than 1,000 stand before. */
bool fm_position_is_listing(struct fm_request *request);

/* ---- for fm_position_is_listing, and its tests ---- */

struct fm_position_key {
    int64_t run_at_us;
    struct fm_id id;
};

/* The list is due, and the caller's to make: for a second nobody else is told so. */
bool fm_position_begin_list(struct fm_position *place, const struct fm_reader_job *row,
                            int64_t now_ms);
/* Takes the keys, which the caller allocated. */
void fm_position_end_list(struct fm_position *place, const struct fm_reader_job *row,
                          struct fm_position_key *keys, size_t count, int64_t now_ms);
int64_t fm_position_ahead(struct fm_position *place, const struct fm_reader_job *row);

#endif
