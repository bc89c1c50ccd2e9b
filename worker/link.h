/*
 * Keeps the worker attached to a broker and carries messages both ways: one DEALER socket to one
 * broker at a time, and the worker's only door to ZeroMQ.
 * Every HELLO is sent on a fresh socket after the old one is closed, so that nothing sent before it
 * can arrive later. A heartbeat each round lists every lease held; after four rounds without an
 * acknowledgement the next address is tried. Delivery is not promised: whatever must arrive is
 * repeated by its sender (RESULT by job.c, WANT_UPLOAD by transfer).
 * Owns: the ZeroMQ socket, the connection's state. Threads: the thread that made it. The ZeroMQ
 * context is czmq's, one for the process: the first socket opens it, fm_link_shutdown ends it.
 * czmq's handlers for SIGINT and SIGTERM stay off. A forked child has no usable context, and must
 * execute another program.
 */
#ifndef FM_WORKER_LINK_H
#define FM_WORKER_LINK_H

#include "proto/message.h"
#include "worker/loop.h"

#define FM_LINK_KEY_SIZE 41 /* 32 bytes in Z85 (ZeroMQ RFC 32), and NUL */

/* A CURVE key pair, both halves as text. The caller wipes the secret. */
struct fm_link_key {
    char public[FM_LINK_KEY_SIZE];
    char secret[FM_LINK_KEY_SIZE];
};

bool fm_link_key_make(struct fm_link_key *key, struct fm_error *err) FM_MUST_CHECK;
/* Computes the public half from `secret`. SETTING if that is not a key. */
bool fm_link_key_read(const char *secret, struct fm_link_key *key,
                      struct fm_error *err) FM_MUST_CHECK;

/* Copied; what its pointers refer to is borrowed for the link's life. */
struct fm_link_options {
    struct fm_loop *loop;
    const char *brokers;           /* "host:port,…", at most 16, tried in turn */
    const char *broker_public_key; /* Z85; all brokers of a service share it */
    const struct fm_link_key *key;
    uint64_t boot;         /* node.h: a higher counter supersedes a lower one */
    const char *placement; /* NULL: any */
    unsigned net_slots, cpu_slots;
    void *context;
    /* Writes at most `capacity` leases and returns their number: the body of HELLO and HEARTBEAT. A
     * lease that is missing there counts as given back. */
    size_t (*list_held)(void *context, struct fm_held *out, size_t capacity);
    /* Gets WELCOME, JOB, CANCEL, RESULT_ACK, UPLOAD, and a REFUSE that is final; called from
     * fm_link_tick. The function may take the message's arena over (leaving it zeroed). */
    void (*on_message)(void *context, struct fm_message *message);
};

struct fm_link;

/* SETTING for addresses or a broker's key that cannot be used. The first tick sends HELLO. */
struct fm_link *fm_link_new(const struct fm_link_options *options,
                            struct fm_error *err) FM_MUST_CHECK;
/* Null-safe. Does not wait; messages already sent may still leave during `linger_ms`. */
void fm_link_destroy(struct fm_link **link, int linger_ms);
/* Called once by main, at its end, when every link is destroyed: waits until the lingering messages
 * have left or their time is over. No link can be made afterwards, because czmq 4.2 destroys its
 * own lock. */
void fm_link_shutdown(void);
/* Sends HELLO and HEARTBEAT when due, reads all messages that have arrived, gives up a silent
 * broker. Returns when to call it again; call it also after every turn of the loop. */
int64_t fm_link_tick(struct fm_link *link, int64_t now_ms);
/* Asks for no more jobs: a fresh HELLO announces no slots, and the leases held. */
void fm_link_drain(struct fm_link *link, int64_t now_ms);
/* True from WELCOME until a new HELLO is due: because the broker is silent, because it does not
 * know this worker, or for a drain. */
bool fm_link_is_attached(const struct fm_link *link);
/* The heartbeat's interval, from the latest WELCOME; 1000 before the first. */
int64_t fm_link_round_ms(const struct fm_link *link);
/* Never waits. False: not attached, or the socket is full, and the message is dropped. */
bool fm_link_send(struct fm_link *link, const struct fm_message *message);

#endif
