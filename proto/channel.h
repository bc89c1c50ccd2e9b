/*
 * A channel: one end of a SEQPACKET socket pair between the worker and one of its children. A
 * packet is one message, and descriptors travel in the same packet. A child's end is descriptor 3.
 * Before: worker/child.c makes the pair.
 * After: worker/child_message.c, worker/transfer/line.c and worker/media/main.c act on the
 * messages.
 * Owns: the descriptor and a buffer of 64 KiB.
 * Threads: any thread may send; one thread receives.
 * System calls once it is open: sendmsg, recvmsg, ppoll, and close for descriptors that came
 * unwanted; the sealed media child may use no others for it.
 */
#ifndef FM_PROTO_CHANNEL_H
#define FM_PROTO_CHANNEL_H

#include "proto/message.h"

#define FM_CHANNEL_CHILD_FD 3     /* the first after stdin, stdout and stderr */
#define FM_CHANNEL_DESCRIPTORS 20 /* per packet; WORK, the message with most, has up to 17 */

struct fm_channel;

/* Makes a connected pair. The worker keeps `ours` (O_NONBLOCK), the child inherits `theirs`; both
 * are O_CLOEXEC, so the child's must be duplicated onto FM_CHANNEL_CHILD_FD. The caller owns both.
 */
bool fm_channel_pair(int *ours, int *theirs, struct fm_error *err) FM_MUST_CHECK;
/* Takes ownership of the descriptor. `peer` is the FM_FROM_… of the other end: a message that this
 * sender may not send is BROKEN. */
struct fm_channel *fm_channel_new(int fd, unsigned peer);
/* Closes the descriptor; null-safe. */
void fm_channel_destroy(struct fm_channel **channel);
/* Borrowed, for a caller that polls; readable when a packet or the end is there. */
int fm_channel_fd(const struct fm_channel *channel);

/* Sends one packet, waiting up to `wait_ms` (-1: without limit) for room. The descriptors stay the
 * caller's. Errors: UNAVAILABLE if there was no room in that time, PROTOCOL if the message is too
 * long or has more descriptors than its type may, else SYSTEM: the peer is gone. */
bool fm_channel_send(struct fm_channel *channel, const struct fm_message *message, const int *fds,
                     size_t fd_count, int wait_ms, struct fm_error *err) FM_MUST_CHECK;

enum fm_channel_got {
    FM_CHANNEL_MESSAGE,
    FM_CHANNEL_NOTHING, /* no packet came in time */
    FM_CHANNEL_CLOSED,  /* the peer has ended, and every packet of it was received */
    FM_CHANNEL_BROKEN   /* the packet breaks the protocol, or the call failed; err is set */
};
/* Receives one packet, waiting up to `wait_ms` (-1: without limit). After MESSAGE the caller owns
 * the message and *fd_count descriptors in `fds` (room for FM_CHANNEL_DESCRIPTORS, all O_CLOEXEC);
 * after anything else there is nothing to free or close. */
enum fm_channel_got fm_channel_receive(struct fm_channel *channel, int wait_ms,
                                       struct fm_message *message, int *fds, size_t *fd_count,
                                       struct fm_error *err);

#endif
