/*
 * A body of many jobs, cut into one job at a time as its bytes come; never held whole. Either a job
 * a line (NDJSON), or {"jobs":[…]}, whose skeleton is read here and whose elements are handed on
 * unparsed. Pure. Before: parts of a body. After: `take` called with each job's JSON, in order.
 */
#ifndef FM_BROKER_API_BATCH_LINES_H
#define FM_BROKER_API_BATCH_LINES_H

#include "common/error.h"
#include "common/text.h"

#define FM_BATCH_LINES_LIMIT ((size_t)64 * 1024) /* bytes of one job */
/* How many jobs a body of either form has at most, and how many bytes one of lines. */
#define FM_BATCH_LINES_JSON_JOBS 10000
#define FM_BATCH_LINES_NDJSON_JOBS 100000
#define FM_BATCH_LINES_NDJSON_BYTES ((size_t)512 * 1024 * 1024)

enum fm_batch_lines_form {
    FM_BATCH_LINES_NDJSON, /* empty lines are skipped, and count */
    FM_BATCH_LINES_JSON,
};

struct fm_batch_lines {
    enum fm_batch_lines_form form;
    /* False, with its error, ends it. The slice lives as long as the call. */
    bool (*take)(void *context, struct fm_slice job, struct fm_error *err);
    void *context;
    size_t number;       /* of the line, or of the element, under way: from 1 */
    struct fm_text held; /* what an earlier part had of it */
    unsigned state;      /* the rest is of FM_BATCH_LINES_JSON */
    int depth;
    bool in_text, is_escaped;
};

/* INVALID_REQUEST (too long, not the skeleton), UNKNOWN_PARAMETER, or what `take` failed with;
 * `number` then names the line. Nothing may be fed after a failure. */
bool fm_batch_lines_feed(struct fm_batch_lines *lines, struct fm_slice part,
                         struct fm_error *err) FM_MUST_CHECK;
/* The body is over: its last line needs no newline. */
bool fm_batch_lines_end(struct fm_batch_lines *lines, struct fm_error *err) FM_MUST_CHECK;
void fm_batch_lines_done(struct fm_batch_lines *lines);

#endif
