/* Tests the worker's end of the link in conversation with a broker. The test sets the time. */
#include "tests/unit/worker/broker.h"

#include "tests/unit/common/descriptors.h"
#include "worker/link.h"

struct worker {
    struct fm_loop *loop;
    struct fm_link *link;
    struct fm_link_key key;
    char brokers[256];
    int64_t now_ms;
    unsigned lease_count;
    unsigned received; /* number of messages that the link has passed on */
    enum fm_message_type last;
};

static const char account[16] = "an account's id";
static const char job[16] = "and a job's one";

static size_t list_held(void *context, struct fm_held *out, size_t capacity)
{
    const struct worker *worker = context;
    assert_true(worker->lease_count <= capacity);
    for (unsigned i = 0; i < worker->lease_count; i++) {
        out[i] = (struct fm_held){{account, 16}, {job, 16}, 100 + i, FM_CLASS_NET};
    }
    return worker->lease_count;
}

static void on_message(void *context, struct fm_message *message)
{
    struct worker *worker = context;
    worker->received++;
    worker->last = message->type;
}

static void start_with(struct worker *worker, struct broker *broker, const char *brokers)
{
    struct fm_error err = {0};
    assert_true(fm_link_key_make(&worker->key, &err));
    broker->admitted = worker->key.public;
    snprintf(worker->brokers, sizeof(worker->brokers), "%s", brokers);
    worker->now_ms = 1000000;
    worker->loop = fm_loop_new(&err);
    const struct fm_link_options options = {
        .loop = worker->loop,
        .brokers = worker->brokers,
        .broker_public_key = broker->public,
        .key = &worker->key,
        .boot = 7,
        .net_slots = 4,
        .cpu_slots = 2,
        .context = worker,
        .list_held = list_held,
        .on_message = on_message,
    };
    worker->link = fm_link_new(&options, &err);
    assert_non_null(worker->link);
}

static void stop(struct worker *worker)
{
    fm_link_destroy(&worker->link, 0);
    fm_loop_destroy(&worker->loop);
}

/* Lets both sides run until a message reaches the broker, which must be of that type. */
static void receive_message(struct worker *worker, struct broker *broker, enum fm_message_type type,
                            struct fm_message *message)
{
    int64_t until_ms = fm_clock_ms() + PATIENCE_MS;
    while (fm_clock_ms() < until_ms) {
        fm_link_tick(worker->link, worker->now_ms);
        if (broker_step(broker, 5, message)) {
            assert_int_equal(message->type, type);
            return;
        }
    }
    fail_msg("%s never came", fm_message_name(type));
}

static void receive_and_drop(struct worker *worker, struct broker *broker,
                             enum fm_message_type type)
{
    struct fm_message message;
    receive_message(worker, broker, type, &message);
    fm_message_done(&message);
}

/* Lets the worker run until its link has passed on `count` messages. */
static void until_received(struct worker *worker, struct broker *broker, unsigned count)
{
    int64_t until_ms = fm_clock_ms() + PATIENCE_MS;
    struct fm_message message;
    while (worker->received < count && fm_clock_ms() < until_ms) {
        fm_link_tick(worker->link, worker->now_ms);
        assert_false(broker_step(broker, 5, &message));
    }
    assert_int_equal(worker->received, count);
}

static void attach(struct worker *worker, struct broker *broker)
{
    receive_and_drop(worker, broker, FM_MESSAGE_HELLO);
    broker_welcome(broker, 1000);
    until_received(worker, broker, worker->received + 1);
    assert_true(fm_link_is_attached(worker->link));
}

static void acknowledge(struct broker *broker, uint64_t number)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_HEARTBEAT_ACK);
    message.heartbeat_ack.number = number;
    broker_say(broker, &message);
}

static void hello_tells_who_it_is_and_what_it_holds(void **state)
{
    struct broker broker;
    struct worker worker = {.lease_count = 3};
    struct fm_message message;
    (void)state;
    broker_open(&broker, NULL);
    start_with(&worker, &broker, broker.endpoint);
    receive_message(&worker, &broker, FM_MESSAGE_HELLO, &message);
    const struct fm_held *held = message.hello.leases.items;
    assert_int_equal(message.hello.version, FM_MESSAGE_VERSION);
    assert_int_equal(message.hello.boot, 7);
    assert_int_equal(message.hello.net_slots, 4);
    assert_int_equal(message.hello.cpu_slots, 2);
    assert_null(message.hello.placement);
    assert_int_equal(message.hello.leases.count, 3);
    assert_int_equal(held[2].lease, 102);
    assert_memory_equal(held[2].job.data, job, 16);
    fm_message_done(&message);
    stop(&worker);
    broker_close(&broker);
}

static void nothing_but_hello_leaves_before_welcome(void **state)
{
    struct broker broker;
    struct worker worker = {0};
    struct fm_message message;
    (void)state;
    broker_open(&broker, NULL);
    start_with(&worker, &broker, broker.endpoint);
    receive_and_drop(&worker, &broker, FM_MESSAGE_HELLO);
    fm_message_init(&message, FM_MESSAGE_BYE);
    assert_false(fm_link_send(worker.link, &message));
    broker_welcome(&broker, 1000);
    until_received(&worker, &broker, 1);
    assert_int_equal(worker.last, FM_MESSAGE_WELCOME);
    assert_true(fm_link_send(worker.link, &message));
    fm_message_done(&message);
    receive_and_drop(&worker, &broker, FM_MESSAGE_BYE);
    stop(&worker);
    broker_close(&broker);
}

static void it_beats_each_round_and_echoes_the_last_acknowledgement(void **state)
{
    struct broker broker;
    struct worker worker = {.lease_count = 1};
    struct fm_message message;
    (void)state;
    broker_open(&broker, NULL);
    start_with(&worker, &broker, broker.endpoint);
    attach(&worker, &broker);
    for (uint64_t round = 0; round < 3; round++) {
        worker.now_ms += 1000;
        receive_message(&worker, &broker, FM_MESSAGE_HEARTBEAT, &message);
        assert_int_equal(message.heartbeat.seen, round);
        assert_int_equal(message.heartbeat.leases.count, 1);
        fm_message_done(&message);
        /* The link keeps acknowledgements to itself; once the CANCEL sent after it is passed on,
         * the acknowledgement has been read too. */
        acknowledge(&broker, round + 1);
        fm_message_init(&message, FM_MESSAGE_CANCEL);
        broker_say(&broker, &message);
        until_received(&worker, &broker, worker.received + 1);
    }
    stop(&worker);
    broker_close(&broker);
}

static void an_unknown_worker_says_hello_at_once_on_a_fresh_socket(void **state)
{
    struct broker broker;
    struct worker worker = {0};
    struct fm_message message;
    uint8_t before[ROUTE_SIZE];
    (void)state;
    broker_open(&broker, NULL);
    start_with(&worker, &broker, broker.endpoint);
    attach(&worker, &broker);
    memcpy(before, broker.route, sizeof(before));
    worker.now_ms += 500;
    fm_message_init(&message, FM_MESSAGE_REFUSE);
    message.refuse.reason = FM_REFUSAL_UNKNOWN;
    broker_say(&broker, &message);
    receive_and_drop(&worker, &broker, FM_MESSAGE_HELLO);
    assert_memory_not_equal(before, broker.route, broker.route_length);
    assert_int_equal(worker.received, 1);
    stop(&worker);
    broker_close(&broker);
}

static void a_final_refusal_is_passed_on(void **state)
{
    struct broker broker;
    struct worker worker = {0};
    struct fm_message message;
    (void)state;
    broker_open(&broker, NULL);
    start_with(&worker, &broker, broker.endpoint);
    receive_and_drop(&worker, &broker, FM_MESSAGE_HELLO);
    fm_message_init(&message, FM_MESSAGE_REFUSE);
    message.refuse.reason = FM_REFUSAL_SUPERSEDED;
    broker_say(&broker, &message);
    until_received(&worker, &broker, 1);
    assert_int_equal(worker.last, FM_MESSAGE_REFUSE);
    stop(&worker);
    broker_close(&broker);
}

static void four_silent_rounds_lead_to_the_next_broker(void **state)
{
    struct broker first;
    struct broker second;
    struct worker worker = {.lease_count = 1};
    struct fm_message message = {0};
    char brokers[160];
    (void)state;
    broker_open(&first, NULL);
    broker_open(&second, &first);
    snprintf(brokers, sizeof(brokers), "%s, %s", first.endpoint, second.endpoint);
    start_with(&worker, &first, brokers);
    second.admitted = worker.key.public;
    attach(&worker, &first);
    worker.now_ms += 3999;
    receive_and_drop(&worker, &first, FM_MESSAGE_HEARTBEAT);
    assert_true(fm_link_is_attached(worker.link));
    worker.now_ms += 1;
    fm_link_tick(worker.link, worker.now_ms);
    assert_false(fm_link_is_attached(worker.link));
    receive_message(&worker, &second, FM_MESSAGE_HELLO, &message);
    assert_int_equal(message.hello.leases.count, 1);
    fm_message_done(&message);
    stop(&worker);
    broker_close(&first);
    broker_close(&second);
}

static void without_a_free_descriptor_hello_waits(void **state)
{
    struct broker broker;
    struct worker worker = {0};
    struct descriptors descriptors;
    (void)state;
    broker_open(&broker, NULL);
    start_with(&worker, &broker, broker.endpoint);
    descriptors_use_up(&descriptors);
    for (int i = 0; i < 3; i++) {
        fm_link_tick(worker.link, worker.now_ms);
        worker.now_ms += 4000;
    }
    descriptors_release(&descriptors);
    receive_and_drop(&worker, &broker, FM_MESSAGE_HELLO);
    stop(&worker);
    broker_close(&broker);
}

static void a_key_that_is_none_is_a_setting_gone_wrong(void **state)
{
    struct fm_link_key key;
    struct fm_error err = {0};
    (void)state;
    assert_false(fm_link_key_read("short", &key, &err));
    const struct fm_link_options options = {.brokers = "127.0.0.1:1", .broker_public_key = "none"};
    assert_null(fm_link_new(&options, &err));
    assert_int_equal(err.code, FM_SETTING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_tells_who_it_is_and_what_it_holds),
        cmocka_unit_test(nothing_but_hello_leaves_before_welcome),
        cmocka_unit_test(it_beats_each_round_and_echoes_the_last_acknowledgement),
        cmocka_unit_test(an_unknown_worker_says_hello_at_once_on_a_fresh_socket),
        cmocka_unit_test(a_final_refusal_is_passed_on),
        cmocka_unit_test(four_silent_rounds_lead_to_the_next_broker),
        cmocka_unit_test(without_a_free_descriptor_hello_waits),
        cmocka_unit_test(a_key_that_is_none_is_a_setting_gone_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
