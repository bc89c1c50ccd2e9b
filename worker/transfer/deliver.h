/*
 * Uploads the finished files to the store: hashes them, asks the broker for signed URLs
 * (WANT_UPLOAD, UPLOAD), PUTs each file through the store door, and lists them for END. Before: the
 * worker has had the files verified and sends DELIVER with their descriptors. After: END, from
 * which the worker makes the attempt's RESULT. Threads: one.
 */
#ifndef FM_WORKER_TRANSFER_DELIVER_H
#define FM_WORKER_TRANSFER_DELIVER_H

#include "worker/transfer/line.h"

#define FM_DELIVER_FILES 16 /* the most files of a DELIVER (proto/messages.def) */

/* The files as DELIVER named them, with size and digest, for END. The texts belong to DELIVER's
 * packet. `files` points to the digests in here, so the struct must not be copied. */
struct fm_deliver_result {
    size_t count;
    struct fm_file_facts files[FM_DELIVER_FILES];
    uint8_t sha256[FM_DELIVER_FILES][32];
};

/* How long a delivery waits before the second try (each later pause is twice as long), and for an
 * UPLOAD before it asks again. Tests use shorter times. */
struct fm_deliver_timing {
    int64_t first_pause_ms;
    int64_t ask_again_ms;
};
/* Five tries take 15 seconds, long enough for a store that restarts: to encode again would cost
 * more.
 */
#define FM_DELIVER_TIMING ((struct fm_deliver_timing){1000, 10000})

/* Stores every file of a DELIVER, each with a few tries. Waits for a broker that is away until the
 * attempt's deadline. `packet` must outlive `result`. DELIVER_FAILED, DEADLINE_EXCEEDED, PROTOCOL.
 */
bool fm_deliver_run(struct fm_line *line, const struct fm_line_packet *packet,
                    struct fm_deliver_timing timing, struct fm_deliver_result *result,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
