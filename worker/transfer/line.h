/*
 * This child's end of its channel to the worker. It receives each message in its turn and ORIGINS
 * at any time, sends progress at most twice a second, and makes the two doors to the network,
 * because what a door may reach is known only from FETCH and ORIGINS. Before: the worker (FETCH,
 * DELIVER, ORIGINS, UPLOAD). After: fetch, deliver. Owns: the channel, and the policy of what may
 * be reached. Threads: one.
 */
#ifndef FM_WORKER_TRANSFER_LINE_H
#define FM_WORKER_TRANSFER_LINE_H

#include "common/door.h"
#include "proto/channel.h"

struct fm_line {
    struct fm_channel *channel;
    int64_t deadline_ms; /* of the attempt, by fm_clock_ms; FM_CLOCK_NEVER before FETCH */
    struct fm_address_policy policy;
    char **store_origins; /* the URLs that an upload may begin with */
    size_t store_count;
    char *pin;        /* of the store's certificate, or NULL */
    unsigned changes; /* grows with each ORIGINS; doors made before it are out of date */
    int64_t next_progress_ms;
};

/* One message and the descriptors that came with it. */
struct fm_line_packet {
    bool has_message; /* false: the time is over and none came */
    struct fm_message message;
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count;
};

/* Takes the descriptor. */
void fm_line_init(struct fm_line *line, int fd);
void fm_line_done(struct fm_line *line);
/* Ends the message and closes the descriptors. Idempotent. */
void fm_line_packet_done(struct fm_line_packet *packet);

/* Adopts the deadline, the address rules and the origins of FETCH. PROTOCOL if a rule cannot be
 * read, because a rule that is lost might open what must stay closed. */
bool fm_line_apply_fetch(struct fm_line *line, const struct fm_fetch *fetch,
                         struct fm_error *err) FM_MUST_CHECK;
/* A new door, by the rules in force now: to any address the policy permits, or to the store's
 * origins alone. The caller destroys it. */
struct fm_door *fm_line_untrusted_door(const struct fm_line *line);
struct fm_door *fm_line_store_door(const struct fm_line *line);

/* Receives the next message that is not ORIGINS, waiting until `until_ms` (0: does not wait). After
 * true the caller ends the packet. PROTOCOL if the channel is closed or broken. */
bool fm_line_receive(struct fm_line *line, int64_t until_ms, struct fm_line_packet *packet,
                     struct fm_error *err) FM_MUST_CHECK;
/* The same, but returns after ORIGINS too, without a message and with `changes` increased. */
bool fm_line_receive_once(struct fm_line *line, int64_t until_ms, struct fm_line_packet *packet,
                          struct fm_error *err) FM_MUST_CHECK;
/* Waits for a message of this type. PROTOCOL if another one comes, DEADLINE_EXCEEDED at the
 * attempt's end. */
bool fm_line_expect(struct fm_line *line, enum fm_message_type type, struct fm_line_packet *packet,
                    struct fm_error *err) FM_MUST_CHECK;
/* Waits until `until_ms` (0: not at all). PROTOCOL if a message other than ORIGINS comes. */
bool fm_line_wait(struct fm_line *line, int64_t until_ms, struct fm_error *err) FM_MUST_CHECK;

/* Sends a message, waiting for room, with a descriptor that stays the caller's (-1: none). */
bool fm_line_send(struct fm_line *line, const struct fm_message *message, int fd,
                  struct fm_error *err) FM_MUST_CHECK;
/* Sends PROGRESS at most twice a second and never waits: a report that comes too early or finds no
 * room is dropped. */
void fm_line_progress(struct fm_line *line, const struct fm_progress *progress);

#endif
