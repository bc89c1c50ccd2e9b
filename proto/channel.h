/*
 * A channel: one end of a SEQPACKET socketpair between the worker and one child, one message a
 * packet, descriptors in the same packet. A child's end is descriptor 3. Threads: any may send,
 * receive is for one thread. System calls used after open: sendmsg, recvmsg, ppoll (what the sealed
 * child may).
 */
#ifndef FM_PROTO_CHANNEL_H
#define FM_PROTO_CHANNEL_H

#include "proto/message.h"

#define FM_CHANNEL_CHILD_FD 3
#define FM_CHANNEL_DESCRIPTORS 20

struct fm_channel;

/* A connected pair: the worker keeps `ours` (O_NONBLOCK | O_CLOEXEC), the child inherits `theirs`.
 */
bool fm_channel_pair(int *ours, int *theirs, struct fm_error *err) FM_MUST_CHECK;
/* Takes the descriptor. `peer` is the FM_FROM_… of the other end. */
struct fm_channel *fm_channel_new(int fd, unsigned peer);
void fm_channel_destroy(struct fm_channel **channel);
int fm_channel_fd(const struct fm_channel *channel);

/* Sends one packet, waiting up to `wait_ms` (-1: for good) for room. Descriptors stay the caller's.
 * UNAVAILABLE: no room in that time; PROTOCOL: the message is beyond its table; else the peer is
 * gone. */
bool fm_channel_send(struct fm_channel *channel, const struct fm_message *message, const int *fds,
                     size_t fd_count, int wait_ms, struct fm_error *err) FM_MUST_CHECK;

enum fm_channel_got {
    FM_CHANNEL_MESSAGE,
    FM_CHANNEL_NOTHING,
    FM_CHANNEL_CLOSED,
    FM_CHANNEL_BROKEN
};
/* Takes one packet, waiting up to `wait_ms` (-1: for good). With MESSAGE the caller owns the
 * message and the fds (*fd_count of at most FM_CHANNEL_DESCRIPTORS, O_CLOEXEC). BROKEN: the packet
 * broke the table (err set), or carried more descriptors than its type may. */
enum fm_channel_got fm_channel_receive(struct fm_channel *channel, int wait_ms,
                                       struct fm_message *message, int *fds, size_t *fd_count,
                                       struct fm_error *err);

#endif
