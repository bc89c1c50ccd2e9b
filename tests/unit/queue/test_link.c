/* The broker's end of the link: who is let in, what is dropped, and its life in one process. */
#include "tests/unit/common/unit.h"

#include <arpa/inet.h>
#include <czmq.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/queue/link.h"
#include "common/clock.h"
#include "common/memory.h"
#include "tests/unit/common/descriptors.h"

#define PATIENCE_MS 20000
#define KEY_BYTES 41 /* in Z85, with the NUL */

/* A broker's link, and the one node that it knows. */
struct world {
    struct fm_secrets secrets;
    struct fm_node_set *nodes;
    struct fm_link *link;
    char listen[32];
    zcert_t *node;
};

/* A port that was free a moment ago: the link takes no wildcard. */
static void choose_port(char listen[32])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    snprintf(listen, 32, "127.0.0.1:%d", ntohs(address.sin_port));
}

static void open_link(struct world *world)
{
    struct fm_error err = {0};
    choose_port(world->listen);
    assert_true(fm_link_open(world->listen, &world->secrets, world->nodes, &world->link, &err));
}

static void read_nodes(struct world *world, bool is_revoked)
{
    struct fm_tick_node node = {.name = "berlin-1", .is_revoked = is_revoked};
    memcpy(node.public_key, zcert_public_txt(world->node), KEY_BYTES);
    fm_node_set_replace(world->nodes, &node, 1);
}

static int begin(void **state)
{
    struct world *world = fm_alloc(sizeof *world);
    FM_AUTO(zcert_destroy) zcert_t *broker = zcert_new();
    memcpy(world->secrets.curve_public, zcert_public_txt(broker), KEY_BYTES);
    memcpy(world->secrets.curve_secret, zcert_secret_txt(broker), KEY_BYTES);
    world->node = zcert_new();
    world->nodes = fm_node_set_new();
    open_link(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    fm_link_close(&world->link);
    fm_node_set_destroy(&world->nodes);
    zcert_destroy(&world->node);
    fm_memory_release(&world);
    return 0;
}

static zsock_t *new_client(const struct world *world, zcert_t *key)
{
    zsock_t *dealer = zsock_new(ZMQ_DEALER);
    zsock_set_curve_serverkey(dealer, world->secrets.curve_public);
    zsock_set_rcvtimeo(dealer, PATIENCE_MS);
    zcert_apply(key, dealer);
    return dealer;
}

static zsock_t *connect_node(const struct world *world)
{
    zsock_t *dealer = new_client(world, world->node);
    assert_int_equal(zsock_connect(dealer, "tcp://%s", world->listen), 0);
    return dealer;
}

static zframe_t *heartbeat(uint64_t seen)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_error err = {0};
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_HEARTBEAT);
    message.heartbeat.seen = seen;
    assert_true(fm_message_encode(&message, &bytes, &err));
    fm_message_done(&message);
    return zframe_new(bytes.data, bytes.length);
}

static void beat(zsock_t *dealer, uint64_t seen)
{
    zframe_t *frame = heartbeat(seen);
    assert_int_equal(zframe_send(&frame, dealer, 0), 0);
}

/* Waits for the heartbeat of that number. */
static void receive(struct world *world, uint64_t seen, struct fm_link_route *from)
{
    int64_t until_ms = fm_clock_ms() + PATIENCE_MS;
    struct pollfd readable = {fm_link_fd(world->link), POLLIN, 0};
    struct fm_tick_node node;
    struct fm_message message;
    while (!fm_link_receive(world->link, from, &node, &message)) {
        assert_true(fm_clock_ms() < until_ms);
        poll(&readable, 1, 10);
    }
    assert_int_equal(message.type, FM_MESSAGE_HEARTBEAT);
    assert_int_equal(message.heartbeat.seen, seen);
    assert_string_equal(node.name, "berlin-1");
    fm_message_done(&message);
}

static void a_node_waits_in_its_handshake_until_the_nodes_were_read(void **state)
{
    struct world *world = *state;
    struct fm_link_route from;
    FM_AUTO(zsock_destroy) zsock_t *dealer = connect_node(world);
    beat(dealer, 1);
    read_nodes(world, false);
    receive(world, 1, &from);
    assert_int_equal(fm_link_dropped(world->link), 0);
}

static void an_answer_goes_to_its_route_and_to_no_other(void **state)
{
    struct world *world = *state;
    struct fm_link_route from, nowhere = {"nobody", 6};
    struct fm_message message;
    read_nodes(world, false);
    FM_AUTO(zsock_destroy) zsock_t *dealer = connect_node(world);
    beat(dealer, 1);
    receive(world, 1, &from);
    fm_message_init(&message, FM_MESSAGE_HEARTBEAT_ACK);
    message.heartbeat_ack.number = 1;
    assert_false(fm_link_send(world->link, &nowhere, &message));
    assert_true(fm_link_send(world->link, &from, &message));
    fm_message_done(&message);
    FM_AUTO(zframe_destroy) zframe_t *answer = zframe_recv(dealer);
    assert_non_null(answer);
    assert_false(zframe_more(answer));
}

static void a_message_in_several_frames_is_dropped_whole(void **state)
{
    struct world *world = *state;
    struct fm_link_route from;
    read_nodes(world, false);
    FM_AUTO(zsock_destroy) zsock_t *dealer = connect_node(world);
    for (uint64_t i = 0; i < 3; i++) {
        zframe_t *frame = heartbeat(i);
        assert_int_equal(zframe_send(&frame, dealer, i < 2 ? ZFRAME_MORE : 0), 0);
    }
    beat(dealer, 7);
    receive(world, 7, &from);
    assert_int_equal(fm_link_dropped(world->link), 1);
}

/* True when the broker lets a client of that key in. */
static bool is_let_in(const struct world *world, zcert_t *key)
{
    FM_AUTO(zsock_destroy) zsock_t *dealer = new_client(world, key);
    FM_AUTO(zactor_destroy) zactor_t *monitor = zactor_new(zmonitor, dealer);
    zstr_sendx(monitor, "LISTEN", "HANDSHAKE_SUCCEEDED", "HANDSHAKE_FAILED_AUTH", NULL);
    zstr_sendx(monitor, "START", NULL);
    zsock_wait(monitor);
    assert_int_equal(zsock_connect(dealer, "tcp://%s", world->listen), 0);
    zsock_set_rcvtimeo(monitor, PATIENCE_MS);
    FM_AUTO(zmsg_destroy) zmsg_t *event = zmsg_recv(monitor);
    assert_non_null(event);
    return zframe_streq(zmsg_first(event), "HANDSHAKE_SUCCEEDED");
}

static void only_nodes_that_are_not_revoked_are_let_in(void **state)
{
    struct world *world = *state;
    FM_AUTO(zcert_destroy) zcert_t *stranger = zcert_new();
    read_nodes(world, false);
    assert_true(is_let_in(world, world->node));
    assert_false(is_let_in(world, stranger));
    read_nodes(world, true);
    assert_false(is_let_in(world, world->node));
}

static void a_process_has_one_link_at_a_time_but_may_have_others_after_it(void **state)
{
    struct world *world = *state;
    struct fm_link *second = NULL;
    struct fm_link_route from;
    struct fm_error err = {0};
    char listen[32];
    choose_port(listen);
    assert_false(fm_link_open(listen, &world->secrets, world->nodes, &second, &err));
    assert_int_equal(err.code, FM_SYSTEM);
    read_nodes(world, false);
    for (uint64_t i = 0; i < 20; i++) {
        fm_link_close(&world->link);
        open_link(world);
        FM_AUTO(zsock_destroy) zsock_t *dealer = connect_node(world);
        beat(dealer, i);
        receive(world, i, &from);
    }
}

static void an_address_that_is_taken_is_a_setting_gone_wrong(void **state)
{
    struct world *world = *state;
    struct fm_error err = {0};
    FM_AUTO(zsock_destroy) zsock_t *other = zsock_new(ZMQ_ROUTER);
    int port = zsock_bind(other, "tcp://127.0.0.1:!");
    assert_true(port > 0);
    snprintf(world->listen, sizeof world->listen, "127.0.0.1:%d", port);
    fm_link_close(&world->link);
    assert_false(fm_link_open(world->listen, &world->secrets, world->nodes, &world->link, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_non_null(strstr(err.detail, "Address already in use"));
}

static void without_a_free_descriptor_it_fails_and_may_be_opened_later(void **state)
{
    struct world *world = *state;
    struct descriptors descriptors;
    struct fm_error err = {0};
    fm_link_close(&world->link);
    descriptors_use_up(&descriptors);
    assert_false(fm_link_open(world->listen, &world->secrets, world->nodes, &world->link, &err));
    descriptors_release(&descriptors);
    assert_int_equal(err.code, FM_SYSTEM);
    open_link(world);
}

static void czmq_leaves_the_signals_alone(void **state)
{
    const int numbers[] = {SIGINT, SIGTERM};
    (void)state;
    for (size_t i = 0; i < FM_COUNT(numbers); i++) {
        struct sigaction now;
        sigaction(numbers[i], NULL, &now);
        assert_ptr_equal(now.sa_handler, SIG_DFL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(czmq_leaves_the_signals_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_node_waits_in_its_handshake_until_the_nodes_were_read,
                                        begin, end),
        cmocka_unit_test_setup_teardown(an_answer_goes_to_its_route_and_to_no_other, begin, end),
        cmocka_unit_test_setup_teardown(a_message_in_several_frames_is_dropped_whole, begin, end),
        cmocka_unit_test_setup_teardown(only_nodes_that_are_not_revoked_are_let_in, begin, end),
        cmocka_unit_test_setup_teardown(
            a_process_has_one_link_at_a_time_but_may_have_others_after_it, begin, end),
        cmocka_unit_test_setup_teardown(an_address_that_is_taken_is_a_setting_gone_wrong, begin,
                                        end),
        cmocka_unit_test_setup_teardown(without_a_free_descriptor_it_fails_and_may_be_opened_later,
                                        begin, end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fm_link_shutdown();
    return failed;
}
