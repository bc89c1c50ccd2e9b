/*
 * The worker's one loop: what the broker says becomes attempts, what attempts free becomes slots.
 * Owns: link, slots, spares, the list of attempts. Threads: the main thread.
 */
#ifndef FM_WORKER_SERVE_H
#define FM_WORKER_SERVE_H

#include "common/daemon.h"
#include "worker/node.h"

/* Borrowed until fm_serve_run returns. */
struct fm_serve_plan {
    const struct fm_node *node;
    const char *work_dir; /* absolute */
    const char *brokers;
    const char *broker_public_key;
    const char *placement; /* NULL: any */
    const char *transfer_path, *media_path;
    unsigned net_slots, cpu_slots;
    unsigned threads;       /* of a slot */
    uint64_t reserve_bytes; /* of disk, for each job */
    uint64_t sweep_age_seconds;
    int64_t drain_ms; /* running jobs are let end for so long */
};

/* Runs until SIGTERM or SIGINT (both blocked by the caller), or until the broker will not have this
 * worker any more. A first SIGTERM drains. No child is left when it returns. */
enum fm_daemon_exit fm_serve_run(const struct fm_serve_plan *plan);

#endif
