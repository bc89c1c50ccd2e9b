/* The protocol of suspend.h on a real listener: several threads answer each request, at once or
 * late, and the request goes on exactly once, after the last of them. */
#include "tests/unit/common/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/request/suspend.h"
#include "common/memory.h"

#define ANSWERS 3
#define CLIENTS 4
#define REQUESTS 200 /* of each client */

/* One request: what its threads write, and what its steps saw. */
struct visit {
    struct fm_suspend wait;
    unsigned runs;
    unsigned answers[ANSWERS]; /* written without a lock: wake is what publishes them */
};

struct task {
    struct visit *visit;
    size_t index;
    bool is_late;
};

static atomic_uint early_steps, wrong_answers, ended;

static void *answer(void *argument)
{
    struct task *task = argument;
    if (task->is_late) {
        sched_yield();
    }
    task->visit->answers[task->index] = (unsigned)task->index + 1;
    fm_suspend_wake(&task->visit->wait);
    free(task);
    return NULL;
}

static void start_answer(struct visit *visit, size_t index)
{
    pthread_t thread;
    struct task *task = fm_alloc(sizeof(*task));
    *task = (struct task){visit, index, visit->runs % 2 == 0};
    assert_int_equal(pthread_create(&thread, NULL, answer, task), 0);
    pthread_detach(thread);
}

static enum fm_http_next start(struct fm_http_exchange *exchange, struct visit *visit)
{
    fm_suspend_begin(&visit->wait, exchange);
    for (size_t i = 0; i < ANSWERS; i++) {
        fm_suspend_expect(&visit->wait);
        start_answer(visit, i);
    }
    fm_suspend_wake(&visit->wait); /* all are posted: what begin expects is this call */
    return FM_HTTP_WAIT;
}

static enum fm_http_next run(struct fm_http_exchange *exchange)
{
    struct visit *visit = fm_http_user(exchange);
    if (visit == NULL) {
        visit = fm_alloc(sizeof(*visit));
        fm_http_set_user(exchange, visit);
    }
    if (!fm_suspend_is_over(&visit->wait)) {
        atomic_fetch_add(&early_steps, 1);
    }
    for (size_t i = 0; visit->runs > 0 && i < ANSWERS; i++) {
        atomic_fetch_add(&wrong_answers, visit->answers[i] != i + 1);
        visit->answers[i] = 0;
    }
    /* Twice in a row: the wait can be begun again. */
    if (visit->runs++ < 2) {
        return start(exchange, visit);
    }
    struct fm_text body = {0};
    fm_text_format(&body, "runs=%u", visit->runs);
    fm_http_reply(exchange, 200, &body);
    return FM_HTTP_REPLY;
}

static void end(struct fm_http_exchange *exchange)
{
    free(fm_http_user(exchange));
    atomic_fetch_add(&ended, 1);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static bool ask(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    char reply[512] = "";
    size_t length = 0;
    if (write(fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1) {
        return false;
    }
    while (strstr(reply, "runs=3") == NULL) {
        ssize_t got = read(fd, reply + length, sizeof(reply) - 1 - length);
        if (got <= 0) {
            return false;
        }
        length += (size_t)got;
        reply[length] = '\0';
    }
    return true;
}

static void *ask_often(void *port)
{
    int fd = connect_to(*(const uint16_t *)port);
    size_t answered = 0;
    while (answered < REQUESTS && ask(fd)) {
        answered++;
    }
    close(fd);
    return (void *)answered;
}

static void a_step_runs_once_after_the_last_of_its_answers(void **state)
{
    (void)state;
    struct fm_http_options options = {
        .listen = "127.0.0.1:0", .threads = 2, .max_connections = 32, .limits = {30, 30, 30, 60}};
    struct fm_http_handler handler = {NULL, run, end, NULL};
    struct fm_http *http = NULL;
    struct fm_error err = {0};
    pthread_t clients[CLIENTS];
    assert_true(fm_http_open(&options, &handler, &http, &err));
    uint16_t port = fm_http_port(http);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_create(&clients[i], NULL, ask_often, &port), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        void *answered = NULL;
        pthread_join(clients[i], &answered);
        assert_int_equal((size_t)answered, REQUESTS);
    }
    fm_http_close(&http);
    assert_int_equal(atomic_load(&early_steps), 0);
    assert_int_equal(atomic_load(&wrong_answers), 0);
    assert_int_equal(atomic_load(&ended), CLIENTS * REQUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_runs_once_after_the_last_of_its_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
