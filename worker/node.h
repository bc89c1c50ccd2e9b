/*
 * Which node this is: its CURVE key, its boot counter, and the lock that makes it the only process
 * of its work directory. Owns: node.key, boot, worker.lock in that directory. Threads: one.
 */
#ifndef FM_WORKER_NODE_H
#define FM_WORKER_NODE_H

#include "common/error.h"
#include "worker/link.h"

struct fm_node {
    int lock_fd; /* held for life; -1 */
    uint64_t boot;
    struct fm_link_key key;
};

/* Reads the node's key, or makes it (0600) if there is none; under a lock of its own, so it may be
 * asked for while a worker runs. The directory is made when missing. */
bool fm_node_key(const char *work_dir, struct fm_link_key *key, struct fm_error *err) FM_MUST_CHECK;
/* Locks the directory for life, reads the key, raises the boot counter. SYSTEM when another process
 * has it. */
bool fm_node_open(const char *work_dir, struct fm_node *node, struct fm_error *err) FM_MUST_CHECK;
void fm_node_close(struct fm_node *node);

#endif
