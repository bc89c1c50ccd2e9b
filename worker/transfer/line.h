/*
 * The child's end of its channel: each message in its turn, ORIGINS at any time, progress at most
 * twice a second. It alone knows what the two doors may reach, for that comes over the channel.
 * Owns: the channel, the outbound policy. Threads: one.
 */
#ifndef FM_WORKER_TRANSFER_LINE_H
#define FM_WORKER_TRANSFER_LINE_H

#include "common/door.h"
#include "proto/channel.h"

struct fm_line {
    struct fm_channel *channel;
    int64_t deadline_ms; /* of the attempt; FM_CLOCK_NEVER before FETCH */
    struct fm_address_policy policy;
    char **store_origins;
    size_t store_count;
    char *pin;        /* or NULL */
    unsigned changes; /* rises with each ORIGINS: a door made before is to be made again */
    int64_t next_progress_ms;
};

/* One message and what came with it. */
struct fm_line_packet {
    bool is_there; /* false: the time passed and nothing came */
    struct fm_message message;
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count;
};

/* Takes the descriptor. */
void fm_line_init(struct fm_line *line, int fd);
void fm_line_done(struct fm_line *line);
void fm_line_packet_done(struct fm_line_packet *packet);

/* Deadline, allow-list and origins of FETCH. PROTOCOL if a rule cannot be read: what nothing may
 * reach must never be lost. */
bool fm_line_take_fetch(struct fm_line *line, const struct fm_fetch *fetch,
                        struct fm_error *err) FM_MUST_CHECK;
/* The doors, as far as they may reach now. The caller destroys them. */
struct fm_door *fm_line_untrusted_door(const struct fm_line *line);
struct fm_door *fm_line_store_door(const struct fm_line *line);

/* The next message that is not ORIGINS, waiting until `until_ms` (0: only what is there already).
 * The caller is done with the packet after true. PROTOCOL: the channel closed or broke. */
bool fm_line_receive(struct fm_line *line, int64_t until_ms, struct fm_line_packet *packet,
                     struct fm_error *err) FM_MUST_CHECK;
/* The same, but returns after ORIGINS too, with nothing there and `changes` risen. */
bool fm_line_turn(struct fm_line *line, int64_t until_ms, struct fm_line_packet *packet,
                  struct fm_error *err) FM_MUST_CHECK;
/* Waits for a message of that type: any other is PROTOCOL, the attempt's end DEADLINE_EXCEEDED. */
bool fm_line_expect(struct fm_line *line, enum fm_message_type type, struct fm_line_packet *packet,
                    struct fm_error *err) FM_MUST_CHECK;
/* Lets time pass until `until_ms`, in which nothing but ORIGINS may come; else PROTOCOL. */
bool fm_line_rest(struct fm_line *line, int64_t until_ms, struct fm_error *err) FM_MUST_CHECK;

/* Sends, waiting for room; `fd` -1: none comes along. */
bool fm_line_send(struct fm_line *line, const struct fm_message *message, int fd,
                  struct fm_error *err) FM_MUST_CHECK;
/* At most twice a second and never waiting: what comes too early or finds no room is dropped. */
void fm_line_progress(struct fm_line *line, const struct fm_progress *progress);

#endif
