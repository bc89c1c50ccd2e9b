/* The channel of the transfer child: ORIGINS at any time, every other message in its turn. */
#include "tests/unit/common/unit.h"

#include <string.h>

#include "common/clock.h"
#include "common/memory.h"
#include "worker/transfer/line.h"

struct pair {
    struct fm_line line;
    struct fm_channel *worker;
};

static int open_pair(void **state)
{
    struct pair *pair = fm_alloc(sizeof(*pair));
    int ours = -1;
    int theirs = -1;
    if (!fm_channel_pair(&ours, &theirs, NULL)) {
        return -1;
    }
    pair->worker = fm_channel_new(ours, FM_FROM_TRANSFER);
    fm_line_init(&pair->line, theirs);
    *state = pair;
    return 0;
}

static int close_pair(void **state)
{
    FM_AUTO_FREE struct pair *pair = *state;
    fm_line_done(&pair->line);
    fm_channel_destroy(&pair->worker);
    return 0;
}

static void send_empty(struct pair *pair, enum fm_message_type type)
{
    struct fm_message message;
    fm_message_init(&message, type);
    assert_true(fm_channel_send(pair->worker, &message, NULL, 0, 1000, NULL));
    fm_message_done(&message);
}

static void send_origins(struct pair *pair, const char *store, const char *own)
{
    struct fm_word origins = {store};
    struct fm_word owns = {own};
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_ORIGINS);
    message.origins.store_origins = (struct fm_list){&origins, 1};
    message.origins.own = (struct fm_list){&owns, 1};
    assert_true(fm_channel_send(pair->worker, &message, NULL, 0, 1000, NULL));
    fm_message_done(&message);
}

static void origins_are_handled_at_any_time_and_never_handed_on(void **state)
{
    struct pair *pair = *state;
    struct fm_line_packet packet;
    unsigned before = pair->line.changes;
    send_origins(pair, "http://127.0.0.1:1", "0.0.0.0:8080");
    send_origins(pair, "http://127.0.0.1:2", "0.0.0.0:8080");
    send_empty(pair, FM_MESSAGE_DELIVER);
    assert_true(fm_line_expect(&pair->line, FM_MESSAGE_DELIVER, &packet, NULL));
    fm_line_packet_done(&packet);
    assert_int_equal(pair->line.changes, before + 2);
    assert_int_equal(pair->line.store_count, 1);
    assert_string_equal(pair->line.store_origins[0], "http://127.0.0.1:2");
    assert_int_equal(pair->line.policy.own_count, 1);
}

static void an_address_rule_that_cannot_be_read_is_an_error(void **state)
{
    struct pair *pair = *state;
    struct fm_error err;
    send_origins(pair, "http://127.0.0.1:1", "nonsense");
    assert_false(fm_line_wait(&pair->line, 0, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
}

static void a_message_of_another_type_is_out_of_turn(void **state)
{
    struct pair *pair = *state;
    struct fm_line_packet packet;
    struct fm_error err;
    send_empty(pair, FM_MESSAGE_DELIVER);
    assert_false(fm_line_expect(&pair->line, FM_MESSAGE_FETCH, &packet, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    send_empty(pair, FM_MESSAGE_DELIVER);
    assert_false(fm_line_wait(&pair->line, 0, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
}

static void waiting_ends_with_the_deadline(void **state)
{
    struct pair *pair = *state;
    struct fm_line_packet packet;
    struct fm_error err;
    pair->line.deadline_ms = fm_clock_ms();
    assert_false(fm_line_expect(&pair->line, FM_MESSAGE_DELIVER, &packet, &err));
    assert_int_equal(err.code, FM_DEADLINE_EXCEEDED);
}

static void a_closed_channel_is_an_error(void **state)
{
    struct pair *pair = *state;
    struct fm_error err;
    fm_channel_destroy(&pair->worker);
    assert_false(fm_line_wait(&pair->line, fm_clock_ms() + 5000, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
}

static void progress_is_sent_at_most_twice_a_second(void **state)
{
    struct pair *pair = *state;
    struct fm_message message;
    struct fm_message got;
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count = 0;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    message.progress.stage = FM_STAGE_DOWNLOAD;
    message.progress.percent = 12.5;
    int64_t before = fm_clock_ms();
    fm_line_progress(&pair->line, &message.progress);
    fm_line_progress(&pair->line, &message.progress);
    bool is_soon = fm_clock_ms() - before < 500;
    fm_message_done(&message);
    assert_int_equal(fm_channel_receive(pair->worker, 0, &got, fds, &fd_count, NULL),
                     FM_CHANNEL_MESSAGE);
    assert_int_equal(got.type, FM_MESSAGE_PROGRESS);
    assert_true(got.progress.percent > 12.4 && got.progress.percent < 12.6);
    fm_message_done(&got);
    enum fm_channel_got second = fm_channel_receive(pair->worker, 0, &got, fds, &fd_count, NULL);
    assert_true(second == FM_CHANNEL_NOTHING || !is_soon);
}

#define ON_PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PAIR(origins_are_handled_at_any_time_and_never_handed_on),
        ON_PAIR(an_address_rule_that_cannot_be_read_is_an_error),
        ON_PAIR(a_message_of_another_type_is_out_of_turn),
        ON_PAIR(waiting_ends_with_the_deadline),
        ON_PAIR(a_closed_channel_is_an_error),
        ON_PAIR(progress_is_sent_at_most_twice_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
