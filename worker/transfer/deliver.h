/*
 * Puts the finished files into the store: hash, WANT_UPLOAD, PUT by the store door, END's list.
 * Before: the worker has had the files verified. After: the attempt's RESULT.
 */
#ifndef FM_WORKER_TRANSFER_DELIVER_H
#define FM_WORKER_TRANSFER_DELIVER_H

#include "worker/transfer/line.h"

#define FM_DELIVER_FILES 16 /* messages.def */

/* What END lists: the files as DELIVER named them, with size and digest. The texts are the
 * packet's, the digests stand here: it must not be copied. */
struct fm_deliver_result {
    size_t count;
    struct fm_file_facts files[FM_DELIVER_FILES];
    uint8_t sha256[FM_DELIVER_FILES][32];
};

/* How long it waits: before the second try (each later pause is twice as long), and for an UPLOAD
 * before it asks again. */
struct fm_deliver_pace {
    int64_t first_pause_ms;
    int64_t ask_again_ms;
};
/* A finished encode is not given up for a store that restarts: five tries take 15 seconds. */
#define FM_DELIVER_PACE ((struct fm_deliver_pace){1000, 10000})

/* Stores every file of a DELIVER, each with a few tries; waits for a broker that is away as long as
 * the attempt may last. DELIVER_FAILED, DEADLINE_EXCEEDED, PROTOCOL. */
bool fm_deliver_run(struct fm_line *line, const struct fm_line_packet *packet,
                    struct fm_deliver_pace pace, struct fm_deliver_result *result,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
