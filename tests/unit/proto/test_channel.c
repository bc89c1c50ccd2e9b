/* Two ends in one process: packets, descriptors, and what a child gone wrong may try. */
#include "tests/unit/common/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/channel.h"

struct ends {
    struct fm_channel *ours;   /* the worker's: hears a transfer child */
    struct fm_channel *theirs; /* the child's: hears the worker */
};

static void open_ends(struct ends *ends)
{
    int ours = -1;
    int theirs = -1;
    struct fm_error err = {0};
    assert_true(fm_channel_pair(&ours, &theirs, &err));
    ends->ours = fm_channel_new(ours, FM_FROM_TRANSFER);
    ends->theirs = fm_channel_new(theirs, FM_FROM_WORKER);
}

static void close_ends(struct ends *ends)
{
    fm_channel_destroy(&ends->ours);
    fm_channel_destroy(&ends->theirs);
}

static size_t count_open(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

/* A packet no channel would send. */
static void send_raw(struct fm_channel *from, const void *bytes, size_t length, size_t fd_count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * 64)];
    } control = {0};
    char *copy = fm_alloc(length);
    memcpy(copy, bytes, length);
    struct iovec part = {copy, length};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        for (size_t i = 0; i < fd_count; i++) {
            int fd = STDERR_FILENO;
            memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(fd));
        }
    }
    assert_int_equal(sendmsg(fm_channel_fd(from), &header, MSG_NOSIGNAL), length);
    free(copy);
}

static void send_plain(struct fm_channel *from, enum fm_message_type type)
{
    struct fm_message message;
    struct fm_error err = {0};
    fm_message_init(&message, type);
    assert_true(fm_channel_send(from, &message, NULL, 0, 0, &err));
}

/* Receives what must be a message of this type, without descriptors. */
static void take(struct fm_channel *to, enum fm_message_type type)
{
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count = 99;
    struct fm_message message;
    struct fm_error err = {0};
    assert_int_equal(fm_channel_receive(to, 1000, &message, fds, &fd_count, &err),
                     FM_CHANNEL_MESSAGE);
    assert_int_equal(message.type, type);
    assert_int_equal(fd_count, 0);
    fm_message_done(&message);
}

static enum fm_channel_got receive(struct fm_channel *to, struct fm_error *err)
{
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count = 99;
    struct fm_message message;
    enum fm_channel_got got = fm_channel_receive(to, 0, &message, fds, &fd_count, err);
    assert_int_not_equal(got, FM_CHANNEL_MESSAGE);
    assert_int_equal(fd_count, 0);
    return got;
}

static void assert_broken(struct fm_channel *to)
{
    struct fm_error err = {0};
    assert_int_equal(receive(to, &err), FM_CHANNEL_BROKEN);
    assert_int_equal(err.code, FM_PROTOCOL);
}

static void a_pair_is_closed_on_exec_and_ours_never_blocks(void **state)
{
    (void)state;
    int ours = -1;
    int theirs = -1;
    struct fm_error err = {0};
    assert_true(fm_channel_pair(&ours, &theirs, &err));
    assert_true((fcntl(ours, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(theirs, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(ours, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(theirs, F_GETFL) & O_NONBLOCK) == 0);
    close(ours);
    close(theirs);
}

static void messages_go_both_ways_one_a_packet(void **state)
{
    (void)state;
    struct ends ends;
    open_ends(&ends);
    send_plain(ends.theirs, FM_MESSAGE_READY);
    send_plain(ends.theirs, FM_MESSAGE_END);
    send_plain(ends.ours, FM_MESSAGE_FETCH);
    take(ends.ours, FM_MESSAGE_READY);
    take(ends.ours, FM_MESSAGE_END);
    take(ends.theirs, FM_MESSAGE_FETCH);
    close_ends(&ends);
    close_ends(&ends);
}

static void nothing_there_is_told_at_once_or_after_the_wait(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count = 99;
    struct fm_message message;
    open_ends(&ends);
    assert_int_equal(receive(ends.ours, &err), FM_CHANNEL_NOTHING);
    assert_int_equal(receive(ends.theirs, &err), FM_CHANNEL_NOTHING);
    assert_int_equal(fm_channel_receive(ends.theirs, 5, &message, fds, &fd_count, &err),
                     FM_CHANNEL_NOTHING);
    assert_int_equal(fd_count, 0);
    assert_int_equal(err.code, FM_NONE);
    close_ends(&ends);
}

static void descriptors_arrive_open_and_close_on_exec(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    struct stat sent;
    struct stat got;
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count = 0;
    struct fm_message message;
    open_ends(&ends);
    size_t open_before = count_open();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int both[17];
    for (size_t i = 0; i < FM_COUNT(both); i++) {
        both[i] = fd;
    }
    fm_message_init(&message, FM_MESSAGE_WORK);
    message.work.threads = 7;
    assert_true(fm_channel_send(ends.ours, &message, both, FM_COUNT(both), 0, &err));
    assert_int_equal(fm_channel_receive(ends.theirs, 1000, &message, fds, &fd_count, &err),
                     FM_CHANNEL_MESSAGE);
    assert_int_equal(message.work.threads, 7);
    assert_int_equal(fd_count, 17);
    assert_int_equal(fstat(fd, &sent), 0);
    for (size_t i = 0; i < fd_count; i++) {
        assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
        assert_int_equal(fstat(fds[i], &got), 0);
        assert_int_equal(got.st_ino, sent.st_ino);
        close(fds[i]);
    }
    fm_message_done(&message);
    close(fd);
    assert_int_equal(count_open(), open_before);
    close_ends(&ends);
}

static void more_descriptors_than_the_table_says_are_not_sent(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    struct fm_message message;
    const int fds[] = {STDERR_FILENO, STDERR_FILENO};
    open_ends(&ends);
    fm_message_init(&message, FM_MESSAGE_SOURCE);
    assert_false(fm_channel_send(ends.theirs, &message, fds, 2, 0, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    fm_message_init(&message, FM_MESSAGE_END);
    assert_false(fm_channel_send(ends.theirs, &message, fds, 1, 0, &err));
    assert_int_equal(receive(ends.ours, &err), FM_CHANNEL_NOTHING);
    close_ends(&ends);
}

static void more_descriptors_than_the_table_says_break_it_and_are_closed(void **state)
{
    (void)state;
    struct ends ends;
    open_ends(&ends);
    size_t open_before = count_open();
    send_raw(ends.theirs, "\x92\x20\x80", 3, 1); /* READY */
    assert_broken(ends.ours);
    send_raw(ends.theirs, "\x92\x23\x80", 3, 2); /* SOURCE */
    assert_broken(ends.ours);
    send_raw(ends.theirs, "\x92\x23\x80", 3, 21);
    assert_broken(ends.ours);
    send_raw(ends.theirs, "\x92\x23\x80", 3, 64);
    assert_broken(ends.ours);
    assert_int_equal(count_open(), open_before);
    close_ends(&ends);
}

static void a_packet_out_of_the_table_breaks_it(void **state)
{
    (void)state;
    struct ends ends;
    open_ends(&ends);
    size_t open_before = count_open();
    send_raw(ends.theirs, "\x92\x21\x80", 3, 0); /* FETCH is the worker's to send */
    assert_broken(ends.ours);
    send_raw(ends.theirs, "\x92\x7f\x80", 3, 0);
    assert_broken(ends.ours);
    send_raw(ends.theirs, "\xdd\x00\xff\xff\xff", 5, 1);
    assert_broken(ends.ours);
    assert_int_equal(count_open(), open_before);
    send_plain(ends.theirs, FM_MESSAGE_READY);
    take(ends.ours, FM_MESSAGE_READY);
    close_ends(&ends);
}

static void a_packet_above_64_kib_breaks_it(void **state)
{
    (void)state;
    struct ends ends;
    open_ends(&ends);
    /* READY with an unknown field that makes it 64 KiB: whole without its last byte. */
    static const char head[] = "\x92\x20\x81\xa3new\xc6\x00\x00\xff\xf4";
    char *bytes = fm_alloc(FM_PACK_LIMIT + 1);
    memcpy(bytes, head, sizeof(head) - 1);
    send_raw(ends.theirs, bytes, FM_PACK_LIMIT, 0);
    take(ends.ours, FM_MESSAGE_READY);
    send_raw(ends.theirs, bytes, FM_PACK_LIMIT + 1, 0);
    assert_broken(ends.ours);
    free(bytes);
    close_ends(&ends);
}

static void a_descriptor_that_found_no_room_breaks_it(void **state)
{
    (void)state;
    struct ends ends;
    struct rlimit before;
    open_ends(&ends);
    send_raw(ends.theirs, "\x92\x23\x80", 3, 1); /* SOURCE */
    int next = dup(STDERR_FILENO);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_broken(ends.ours);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close_ends(&ends);
}

#define PLACES 62

/* An UPLOAD of just under the limit. */
static void fill_large(struct fm_message *message, struct fm_upload_place places[PLACES])
{
    static char url[1025];
    memset(url, 'a', sizeof(url) - 1);
    fm_message_init(message, FM_MESSAGE_UPLOAD);
    for (size_t i = 0; i < PLACES; i++) {
        places[i] = (struct fm_upload_place){.name = "output", .url = url};
    }
    message->upload.places = (struct fm_list){places, PLACES};
}

static void the_largest_packet_passes(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    struct fm_upload_place places[PLACES];
    struct fm_message message;
    open_ends(&ends);
    fill_large(&message, places);
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    assert_true(fm_message_encode(&message, &frame, &err));
    assert_in_range(frame.length, 64000, FM_PACK_LIMIT);
    assert_true(fm_channel_send(ends.ours, &message, NULL, 0, 0, &err));
    take(ends.theirs, FM_MESSAGE_UPLOAD);
    close_ends(&ends);
}

static void a_full_channel_says_so_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    struct fm_upload_place places[PLACES];
    struct fm_message message;
    size_t sent = 0;
    open_ends(&ends);
    fill_large(&message, places);
    while (fm_channel_send(ends.ours, &message, NULL, 0, 0, &err)) {
        assert_true(++sent < 1000);
    }
    assert_int_equal(err.code, FM_UNAVAILABLE);
    assert_true(sent > 0);
    assert_false(fm_channel_send(ends.ours, &message, NULL, 0, 5, &err));
    assert_int_equal(err.code, FM_UNAVAILABLE);
    for (size_t i = 0; i < sent; i++) {
        take(ends.theirs, FM_MESSAGE_UPLOAD);
    }
    assert_true(fm_channel_send(ends.ours, &message, NULL, 0, 0, &err));
    close_ends(&ends);
}

#define MANY 200

static void *send_many(void *context)
{
    struct fm_channel *channel = context;
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_END);
    message.end.detail = "a text that would be torn if two packets were mixed";
    size_t sent = 0;
    while (sent < MANY && fm_channel_send(channel, &message, NULL, 0, -1, NULL)) {
        sent++;
    }
    return sent == MANY ? channel : NULL;
}

static void threads_send_whole_packets_and_wait_for_room(void **state)
{
    (void)state;
    struct ends ends;
    pthread_t threads[2];
    open_ends(&ends);
    int small = 1; /* The kernel makes it its least: the senders must wait. */
    assert_int_equal(
        setsockopt(fm_channel_fd(ends.theirs), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, ends.theirs), 0);
    }
    for (size_t i = 0; i < FM_COUNT(threads) * MANY; i++) {
        take(ends.ours, FM_MESSAGE_END);
    }
    for (size_t i = 0; i < 2; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    close_ends(&ends);
}

static void the_last_words_are_heard_before_the_end(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    open_ends(&ends);
    send_plain(ends.ours, FM_MESSAGE_ORIGINS); /* Left unread: the kernel tells ECONNRESET. */
    send_plain(ends.theirs, FM_MESSAGE_READY);
    send_plain(ends.theirs, FM_MESSAGE_END);
    fm_channel_destroy(&ends.theirs);
    take(ends.ours, FM_MESSAGE_READY);
    take(ends.ours, FM_MESSAGE_END);
    assert_int_equal(receive(ends.ours, &err), FM_CHANNEL_CLOSED);
    assert_int_equal(receive(ends.ours, &err), FM_CHANNEL_CLOSED);
    close_ends(&ends);
}

static void sending_to_one_who_left_fails_without_a_signal(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    struct fm_message message;
    open_ends(&ends);
    fm_channel_destroy(&ends.theirs);
    fm_message_init(&message, FM_MESSAGE_FETCH);
    assert_false(fm_channel_send(ends.ours, &message, NULL, 0, -1, &err));
    assert_int_equal(err.code, FM_SYSTEM);
    close_ends(&ends);
}

static void an_empty_packet_is_an_end_and_leaks_nothing(void **state)
{
    (void)state;
    struct ends ends;
    struct fm_error err = {0};
    open_ends(&ends);
    size_t open_before = count_open();
    send_raw(ends.theirs, "", 0, 3);
    assert_int_equal(receive(ends.ours, &err), FM_CHANNEL_CLOSED);
    assert_int_equal(count_open(), open_before);
    close_ends(&ends);
}

static void a_descriptor_that_is_no_socket_is_broken(void **state)
{
    (void)state;
    struct fm_error err = {0};
    struct fm_channel *channel = fm_channel_new(open("/dev/null", O_RDONLY), FM_FROM_WORKER);
    assert_int_equal(receive(channel, &err), FM_CHANNEL_BROKEN);
    assert_int_equal(err.code, FM_SYSTEM);
    fm_channel_destroy(&channel);
    assert_null(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_closed_on_exec_and_ours_never_blocks),
        cmocka_unit_test(messages_go_both_ways_one_a_packet),
        cmocka_unit_test(nothing_there_is_told_at_once_or_after_the_wait),
        cmocka_unit_test(descriptors_arrive_open_and_close_on_exec),
        cmocka_unit_test(more_descriptors_than_the_table_says_are_not_sent),
        cmocka_unit_test(more_descriptors_than_the_table_says_break_it_and_are_closed),
        cmocka_unit_test(a_packet_out_of_the_table_breaks_it),
        cmocka_unit_test(a_packet_above_64_kib_breaks_it),
        cmocka_unit_test(a_descriptor_that_found_no_room_breaks_it),
        cmocka_unit_test(the_largest_packet_passes),
        cmocka_unit_test(a_full_channel_says_so_and_keeps_what_it_has),
        cmocka_unit_test(threads_send_whole_packets_and_wait_for_room),
        cmocka_unit_test(the_last_words_are_heard_before_the_end),
        cmocka_unit_test(sending_to_one_who_left_fails_without_a_signal),
        cmocka_unit_test(an_empty_packet_is_an_end_and_leaks_nothing),
        cmocka_unit_test(a_descriptor_that_is_no_socket_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
