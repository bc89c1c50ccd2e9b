/*
 * Gets the source by the untrusted door and tells the worker of it: SOURCE, then COMPLETE.
 * Before: line (FETCH has come). After: the worker hands the spool file to media; deliver.
 */
#ifndef FM_WORKER_TRANSFER_FETCH_H
#define FM_WORKER_TRANSFER_FETCH_H

#include "proto/spec.h"
#include "worker/transfer/line.h"

/* Runs the fetch to its end, with a few tries. A link to a site is RESOLVER_UNAVAILABLE, an empty
 * body NO_MEDIA_FOUND, the attempt's end DEADLINE_EXCEEDED, a message out of turn PROTOCOL; else
 * the door's errors as they are. */
bool fm_fetch_run(struct fm_line *line, const struct fm_fetch *fetch, const struct fm_spec *spec,
                  struct fm_error *err) FM_MUST_CHECK;

/* What a server's answer tells of the file behind it. The texts live in `facts` itself. */
struct fm_fetch_facts {
    char title[256];
    char extension[9]; /* [a-z0-9]{1,8}, or empty */
    char content_type[128];
};
void fm_fetch_describe(const struct fm_door_answer *answer, struct fm_fetch_facts *facts);

#endif
