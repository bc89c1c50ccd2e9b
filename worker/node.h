/*
 * Gives the worker its identity: the node's CURVE key, its boot counter, and the lock that lets
 * only one worker run on a work directory.
 * Owns: node.key, boot, key.lock and worker.lock in that directory. Threads: one.
 */
#ifndef FM_WORKER_NODE_H
#define FM_WORKER_NODE_H

#include "common/error.h"
#include "worker/link.h"

struct fm_node {
    int lock_fd;   /* holds worker.lock until it is closed; -1: not open */
    uint64_t boot; /* higher at each start: the broker lets the highest supersede the others */
    struct fm_link_key key;
};

/* Reads the node's key; makes one (0600), and the directory (0700), if there is none. Uses key.lock
 * and not worker.lock, so --print-key works while a worker runs. The caller wipes the key. */
bool fm_node_key(const char *work_dir, struct fm_link_key *key, struct fm_error *err) FM_MUST_CHECK;
/* Reads the key, locks the directory until fm_node_close, raises the boot counter by one. SYSTEM if
 * another process holds the lock or the counter cannot be read. */
bool fm_node_open(const char *work_dir, struct fm_node *node, struct fm_error *err) FM_MUST_CHECK;
/* Releases the lock and wipes the key. */
void fm_node_close(struct fm_node *node);

#endif
