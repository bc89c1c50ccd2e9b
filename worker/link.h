/*
 * The worker's end of the link: one DEALER to one broker at a time, and the only door to ZeroMQ.
 * Every HELLO goes out on a fresh socket, the old one closed first, so nothing that was sent before
 * it can still arrive. A heartbeat every round with every lease held; four rounds without an
 * acknowledgement, and the next address is tried.
 * Owns: the ZeroMQ socket, the connection's state. Threads: the one that made it. The ZeroMQ
 * context is czmq's, one for the process: the first socket opens it, fm_link_shutdown ends it.
 * SIGINT and SIGTERM stay ours; a forked child has no context, and must execute another program.
 */
#ifndef FM_WORKER_LINK_H
#define FM_WORKER_LINK_H

#include "proto/message.h"
#include "worker/loop.h"

#define FM_LINK_KEY_SIZE 41 /* Z85 and NUL */

/* A CURVE key pair. */
struct fm_link_key {
    char public[FM_LINK_KEY_SIZE];
    char secret[FM_LINK_KEY_SIZE];
};

bool fm_link_key_make(struct fm_link_key *key, struct fm_error *err) FM_MUST_CHECK;
/* From the secret half alone. */
bool fm_link_key_read(const char *secret, struct fm_link_key *key,
                      struct fm_error *err) FM_MUST_CHECK;

/* Borrowed for the link's life. */
struct fm_link_plan {
    struct fm_loop *loop;
    const char *brokers;           /* "host:port,…" */
    const char *broker_public_key; /* Z85 */
    const struct fm_link_key *key;
    uint64_t boot;
    const char *placement; /* NULL: any */
    unsigned net_slots, cpu_slots;
    void *context;
    /* Fills at most `capacity` leases, answers how many: the body of HELLO and HEARTBEAT. */
    size_t (*list_held)(void *context, struct fm_held *out, size_t capacity);
    /* WELCOME, JOB, CANCEL, RESULT_ACK, UPLOAD, and a REFUSE that is final. The function may take
     * the message's arena over (leaving it zeroed). */
    void (*on_message)(void *context, struct fm_message *message);
};

struct fm_link;

/* SETTING for addresses or keys that cannot be used. The first HELLO goes out with the first tick.
 */
struct fm_link *fm_link_new(const struct fm_link_plan *plan, struct fm_error *err) FM_MUST_CHECK;
/* Does not wait; what was sent may still leave for `linger_ms`. */
void fm_link_destroy(struct fm_link **link, int linger_ms);
/* From main, at its end, once every link is destroyed: waits for what may still leave. No link can
 * be made after it, for czmq 4.2 destroys its own lock. */
void fm_link_shutdown(void);
/* Reads all that came, says what is due, answers when it wants to be called again. */
int64_t fm_link_tick(struct fm_link *link, int64_t now_ms);
/* No new job: a fresh HELLO tells of no slots, and of the leases held. */
void fm_link_drain(struct fm_link *link, int64_t now_ms);
/* True between WELCOME and the moment the broker is given up. */
bool fm_link_is_attached(const struct fm_link *link);
/* The heartbeat's interval: WELCOME's, or a second before there was one. */
int64_t fm_link_round_ms(const struct fm_link *link);
/* Never waits. False (dropped) when not attached or full: who needs an answer sends again. */
bool fm_link_send(struct fm_link *link, const struct fm_message *message);

#endif
