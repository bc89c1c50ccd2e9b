/*
 * Downloads the source through the untrusted door into the spool and reports it to the worker: with
 * SOURCE, which carries its facts and a descriptor, then COMPLETE.
 * Before: line (FETCH has come). After: the worker hands the spool file to a media child; deliver.
 * Threads: one.
 */
#ifndef FM_WORKER_TRANSFER_FETCH_H
#define FM_WORKER_TRANSFER_FETCH_H

#include "proto/spec.h"
#include "worker/transfer/line.h"

/* Downloads with a few tries; only a timeout or a body that is cut short is tried again.
 * RESOLVER_UNAVAILABLE for a link to a site that needs a resolver, NO_MEDIA_FOUND for an empty
 * body, DEADLINE_EXCEEDED at the end of the attempt, PROTOCOL for a message out of turn, or the
 * errors of the door. */
bool fm_fetch_run(struct fm_line *line, const struct fm_fetch *fetch, const struct fm_spec *spec,
                  struct fm_error *err) FM_MUST_CHECK;

/* The facts about the file in a server's response. The texts live in `facts` itself; a text is
 * empty if the response does not have it. */
struct fm_fetch_facts {
    char title[256];   /* the file name without its extension */
    char extension[9]; /* [a-z0-9]{1,8}, without the dot */
    char content_type[128];
};
/* Fills `facts` from the file name and the content type, with characters that a message may carry.
 */
void fm_fetch_describe(const struct fm_door_answer *answer, struct fm_fetch_facts *facts);

#endif
