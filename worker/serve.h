/*
 * Runs the worker's loop: turns the broker's messages into attempts, counts slots, sweeps the work
 * directory, and ends everything when the worker stops. Before: main.c has locked the node and
 * tried the seal. While it serves it waits in the loop only, so no job can hold up another. Owns:
 * loop, link, slots, spares, the list of attempts. Threads: the main thread.
 */
#ifndef FM_WORKER_SERVE_H
#define FM_WORKER_SERVE_H

#include "common/daemon.h"
#include "worker/node.h"

/* Borrowed until fm_serve_run returns. */
struct fm_serve_options {
    const struct fm_node *node;
    const char *work_dir; /* absolute */
    const char *brokers;
    const char *broker_public_key;
    const char *placement; /* NULL: any */
    const char *transfer_path, *media_path;
    unsigned net_slots, cpu_slots;
    unsigned threads;           /* the most that media may use in one slot */
    uint64_t reserve_bytes;     /* of disk, for each job */
    uint64_t sweep_age_seconds; /* sweep.h */
    int64_t drain_ms; /* how long running jobs may still end after SIGTERM; 0: not at all */
};

/* Runs until SIGTERM or SIGINT (the caller has blocked both), or until a broker's REFUSE is final.
 * With drain_ms > 0 the first SIGTERM drains; SIGINT or a second SIGTERM ends at once. No child is
 * left when it returns. */
enum fm_daemon_exit fm_serve_run(const struct fm_serve_options *options);

#endif
