/*
 * Sends and receives packets. One sendmsg is one packet and the kernel sends it whole, so threads
 * that send need no lock of ours, and none waits for another's timeout. Every call is non-blocking
 * by its flags, whatever mode the descriptor is in, and only ppoll waits: the sealed child may use
 * no more.
 */
#include "proto/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

/* Room for several packets of 64 KiB. The system's limit (wmem_max, usually 208 KiB) may make it
 * less, but not less than one packet. */
#define BUFFER_BYTES (512 * 1024)

struct fm_channel {
    int fd;
    unsigned peer;
    char packet[FM_PACK_LIMIT]; /* as received; MSG_TRUNC shows that it was longer */
};

/* Room for the ancillary data of FM_CHANNEL_DESCRIPTORS, aligned as CMSG_FIRSTHDR requires. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * FM_CHANNEL_DESCRIPTORS)];
};

static bool set_up(const int ends[2])
{
    int size = BUFFER_BYTES;
    /* On a Unix socket only the sender's buffer limits what is in flight. */
    return setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0 &&
           setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0 &&
           fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

bool fm_channel_pair(int *ours, int *theirs, struct fm_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return fm_fail_errno(err, "socketpair");
    }
    if (!set_up(ends)) {
        fm_fail_errno(err, "channel");
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    *ours = ends[0];
    *theirs = ends[1];
    return true;
}

struct fm_channel *fm_channel_new(int fd, unsigned peer)
{
    struct fm_channel *channel = fm_alloc(sizeof(*channel));
    channel->fd = fd;
    channel->peer = peer;
    return channel;
}

void fm_channel_destroy(struct fm_channel **channel)
{
    if (*channel == NULL) {
        return;
    }
    close((*channel)->fd);
    fm_memory_release(channel);
    *channel = NULL;
}

int fm_channel_fd(const struct fm_channel *channel)
{
    return channel->fd;
}

static int64_t end_of_wait(int wait_ms)
{
    return wait_ms < 0 ? FM_CLOCK_NEVER : fm_clock_ms() + wait_ms;
}

/* Waits for `events`; false when the time is up. True may also follow a signal or an early return:
 * the caller tries again either way. */
static bool wait_for(int fd, short events, int64_t until_ms)
{
    int left_ms = fm_clock_left(until_ms);
    if (left_ms == 0) {
        return false;
    }
    struct pollfd poll_fd = {fd, events, 0};
    struct timespec left = {left_ms / 1000, left_ms % 1000 * 1000000L};
    (void)ppoll(&poll_fd, 1, left_ms < 0 ? NULL : &left, NULL);
    return true;
}

/* Lent to the kernel, which duplicates the descriptors for the receiver. */
static void attach(struct msghdr *header, union control *control, const int *fds, size_t count)
{
    header->msg_control = control->bytes;
    header->msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(rights), fds, sizeof(int) * count);
}

static bool send_packet(int fd, const struct msghdr *header, int wait_ms, struct fm_error *err)
{
    int64_t until_ms = end_of_wait(wait_ms);
    while (sendmsg(fd, header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            return fm_fail_errno(err, "channel: send");
        }
        if (errno == EAGAIN && !wait_for(fd, POLLOUT, until_ms)) {
            return fm_fail(err, FM_UNAVAILABLE, "channel: no room in %d ms", wait_ms);
        }
    }
    return true;
}

bool fm_channel_send(struct fm_channel *channel, const struct fm_message *message, const int *fds,
                     size_t fd_count, int wait_ms, struct fm_error *err)
{
    if (fd_count > fm_message_descriptors(message->type) || fd_count > FM_CHANNEL_DESCRIPTORS) {
        return fm_fail(err, FM_PROTOCOL, "%s: %zu descriptors", fm_message_name(message->type),
                       fd_count);
    }
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    if (!fm_message_encode(message, &frame, err)) {
        return false;
    }
    union control control = {0};
    struct iovec part = {frame.data, frame.length};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        attach(&header, &control, fds, fd_count);
    }
    return send_packet(channel->fd, &header, wait_ms, err);
}

static void close_all(const int *fds, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        close(fds[i]);
    }
    *count = 0;
}

/* Collects the descriptors of a packet. The kernel has opened each in this process already, so the
 * caller must close those it does not want. The control buffer bounds their number. */
static size_t detach(struct msghdr *header, int *fds)
{
    size_t count = 0;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at != NULL; at = CMSG_NXTHDR(header, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS) {
            size_t bytes = at->cmsg_len - CMSG_LEN(0);
            memcpy(fds + count, CMSG_DATA(at), bytes);
            count += bytes / sizeof(int);
        }
    }
    return count;
}

/* Receives one packet; returns its length, 0 at the end, -1 with errno (EAGAIN: the time is up).
 * The kernel reports ECONNRESET once, when the peer ended without reading all our packets, and
 * before the packets that the peer sent. The next call returns those, among them the peer's END, so
 * the error is skipped. */
static ssize_t receive_packet(int fd, struct msghdr *header, int64_t until_ms)
{
    const size_t control_length = header->msg_controllen;
    for (;;) {
        header->msg_controllen = control_length;
        ssize_t length = recvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (length >= 0) {
            return length;
        }
        bool is_empty = errno == EAGAIN;
        if (is_empty && !wait_for(fd, POLLIN, until_ms)) {
            errno = EAGAIN;
            return -1;
        }
        if (!is_empty && errno != EINTR && errno != ECONNRESET) {
            return -1;
        }
    }
}

static bool accept_packet(const struct fm_channel *channel, size_t length, int flags,
                          size_t fd_count, struct fm_message *message, struct fm_error *err)
{
    /* MSG_CTRUNC: more descriptors came than the control buffer holds; Linux closed the rest. */
    if ((flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return fm_fail(err, FM_PROTOCOL, "channel: the packet or its descriptors are too many");
    }
    struct fm_slice frame = {channel->packet, length};
    if (!fm_message_decode(frame, channel->peer, message, err)) {
        return false;
    }
    if (fd_count > fm_message_descriptors(message->type)) {
        fm_message_done(message);
        return fm_fail(err, FM_PROTOCOL, "%s came with %zu descriptors",
                       fm_message_name(message->type), fd_count);
    }
    return true;
}

enum fm_channel_got fm_channel_receive(struct fm_channel *channel, int wait_ms,
                                       struct fm_message *message, int *fds, size_t *fd_count,
                                       struct fm_error *err)
{
    union control control = {0};
    struct iovec part = {channel->packet, sizeof(channel->packet)};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof(control.bytes)};
    *fd_count = 0;
    ssize_t length = receive_packet(channel->fd, &header, end_of_wait(wait_ms));
    if (length < 0 && errno == EAGAIN) {
        return FM_CHANNEL_NOTHING;
    }
    if (length < 0) {
        fm_fail_errno(err, "channel: receive");
        return FM_CHANNEL_BROKEN;
    }
    *fd_count = detach(&header, fds);
    if (length == 0) { /* The end. An empty packet looks the same and is no message either. */
        close_all(fds, fd_count);
        return FM_CHANNEL_CLOSED;
    }
    if (!accept_packet(channel, (size_t)length, header.msg_flags, *fd_count, message, err)) {
        close_all(fds, fd_count);
        return FM_CHANNEL_BROKEN;
    }
    return FM_CHANNEL_MESSAGE;
}
