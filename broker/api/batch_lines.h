/*
 * Cuts the body of a batch into single jobs as its bytes arrive; the body is never held whole.
 * It has one of two forms: one job per line (NDJSON), or {"jobs":[…]}, of which only the frame is
 * parsed here and each element is handed on unparsed. Pure.
 * Before: parts of a body. After: `handle_job` was called with each job's JSON, in order.
 */
#ifndef FM_BROKER_API_BATCH_LINES_H
#define FM_BROKER_API_BATCH_LINES_H

#include "common/error.h"
#include "common/text.h"

#define FM_BATCH_LINES_LIMIT ((size_t)64 * 1024) /* bytes of one job, and so of our memory */
/* The most jobs in a body of either form, and the most bytes in an NDJSON body. Both forms are in
 * the API's description; batch.c enforces them. */
#define FM_BATCH_LINES_JSON_JOBS 10000
#define FM_BATCH_LINES_NDJSON_JOBS 100000
#define FM_BATCH_LINES_NDJSON_BYTES ((size_t)512 * 1024 * 1024)

enum fm_batch_lines_form {
    FM_BATCH_LINES_NDJSON, /* empty lines are skipped, but count for `number` */
    FM_BATCH_LINES_JSON,
};

struct fm_batch_lines {
    enum fm_batch_lines_form form;
    /* Called with each job. To return false with an error ends the feeding. The slice is valid only
     * during the call. */
    bool (*handle_job)(void *context, struct fm_slice job, struct fm_error *err);
    void *context;
    size_t number;       /* of the line or element under way, from 1; 0: the fault is no job's */
    struct fm_text held; /* the beginning of that job, if it came in an earlier part */
    unsigned state;      /* NDJSON: 1 within a line; JSON: an enum in batch_lines.c */
    int depth;           /* JSON: open brackets of the element */
    bool in_text, is_escaped;
};

/* Feeds the next part of the body. INVALID_REQUEST (a job too long, or not the expected form),
 * UNKNOWN_PARAMETER, or the error of `handle_job`; `number` then names the line. Nothing may be fed
 * after a failure. */
bool fm_batch_lines_feed(struct fm_batch_lines *lines, struct fm_slice part,
                         struct fm_error *err) FM_MUST_CHECK;
/* To be called at the end of the body; hands on a last line without a newline. INVALID_JSON if the
 * frame is not closed, and the errors of feeding. */
bool fm_batch_lines_end(struct fm_batch_lines *lines, struct fm_error *err) FM_MUST_CHECK;
void fm_batch_lines_done(struct fm_batch_lines *lines);

#endif
