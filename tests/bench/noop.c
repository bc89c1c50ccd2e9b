/*
 * A pool of workers that do nothing: each speaks the link as fetchmedia-worker does, through its
 * very file, and answers a JOB with a RESULT: at once, or --a-second so many.
 *   noop --make-key
 *   noop --broker HOST:PORT --broker-key K --secrets FILE [--slots N] [--a-second N] [--expect N]
 *        [--log FILE]
 * One worker for each secret key of the file. Tells `attached`, and `settled N OPENED FIRST LAST`
 * each time so many results were acknowledged: when the workers began, the first JOB and the last
 * acknowledgement, in us since 1970. The log has a line for each JOB: its id, and when it came.
 * Ends when its input does.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "common/clock.h"
#include "common/id.h"
#include "common/log.h"
#include "worker/link.h"

#define WORKERS_MAX 64
#define SLOTS_MAX 500 /* a heartbeat lists 512 leases */

/* A lease this worker holds: until its RESULT is acknowledged. */
struct lease {
    uint64_t number;
    struct fm_id account, job;
    enum fm_class class;
    int64_t due_us;
    UT_hash_handle hh;
    struct lease *next, *prev; /* of those whose RESULT was not sent yet */
};

struct pool;
struct worker {
    struct pool *pool;
    struct fm_link_key key;
    struct fm_link *link;
    struct lease *leases;  /* hash by number */
    struct lease *running; /* the first is due first */
};

struct pool {
    const char *broker, *broker_key, *secrets;
    unsigned slots;
    int64_t gap_us, due_us; /* from one RESULT to the next; when the last JOB's is due */
    uint64_t expect, acknowledged;
    int64_t opened_us, first_us;
    FILE *log;
    struct worker workers[WORKERS_MAX];
    size_t count, attached;
    struct fm_loop *loop;
    bool is_over;
};

static void die(const char *what, const struct fm_error *err)
{
    fprintf(stderr, "noop: %s: %s\n", what, err != NULL ? err->detail : "");
    exit(1);
}

/* ---- leases ---- */

static struct fm_slice slice_of(const struct fm_id *id)
{
    return (struct fm_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

static void copy_id(struct fm_id *id, struct fm_slice bytes)
{
    if (bytes.length == sizeof(id->bytes)) {
        memcpy(id->bytes, bytes.data, sizeof(id->bytes));
    }
}

static size_t list_held(void *context, struct fm_held *out, size_t capacity)
{
    const struct worker *worker = context;
    size_t count = 0;
    for (const struct lease *it = worker->leases; it != NULL && count < capacity;
         it = it->hh.next) {
        out[count++] = (struct fm_held){.account = slice_of(&it->account),
                                        .job = slice_of(&it->job),
                                        .lease = it->number,
                                        .class = it->class};
    }
    return count;
}

static bool send_result(struct worker *worker, const struct lease *lease)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_RESULT);
    message.result.account = slice_of(&lease->account);
    message.result.job = slice_of(&lease->job);
    message.result.lease = lease->number;
    message.result.how = FM_HOW_SUCCEEDED;
    bool is_sent = fm_link_send(worker->link, &message);
    fm_message_done(&message);
    return is_sent;
}

static void forget_lease(struct worker *worker, uint64_t number)
{
    struct lease *lease = NULL;
    HASH_FIND(hh, worker->leases, &number, sizeof(number), lease);
    if (lease == NULL) {
        return;
    }
    if (lease->due_us != 0) {
        DL_DELETE(worker->running, lease);
    }
    HASH_DEL(worker->leases, lease);
    free(lease);
}

/* What is due is sent; answers when the next one is. */
static int64_t send_due(struct worker *worker, int64_t now_us)
{
    while (worker->running != NULL && worker->running->due_us <= now_us) {
        struct lease *lease = worker->running;
        if (!send_result(worker, lease)) {
            return now_us + 1000;
        }
        DL_DELETE(worker->running, lease);
        lease->due_us = 0;
    }
    return worker->running != NULL ? worker->running->due_us : INT64_MAX;
}

/* ---- messages from the broker ---- */

static void accept_job(struct worker *worker, const struct fm_job *job)
{
    struct pool *pool = worker->pool;
    struct lease *lease = fm_alloc(sizeof(*lease));
    int64_t now_us = fm_clock_wall_us();
    lease->number = job->lease;
    lease->class = (enum fm_class)job->class;
    pool->due_us += pool->gap_us;
    pool->due_us = pool->due_us > now_us ? pool->due_us : now_us;
    lease->due_us = pool->due_us;
    copy_id(&lease->account, job->account);
    copy_id(&lease->job, job->job);
    HASH_ADD(hh, worker->leases, number, sizeof(lease->number), lease);
    DL_APPEND(worker->running, lease);
    pool->first_us = pool->first_us == 0 ? now_us : pool->first_us;
    if (pool->log != NULL) {
        char text[FM_ID_TEXT_SIZE];
        fm_id_format(FM_ID_JOB, &lease->job, text);
        fprintf(pool->log, "%s %lld\n", text, (long long)now_us);
    }
    if (pool->gap_us == 0) {
        send_due(worker, now_us);
    }
}

static void handle_ack(struct worker *worker, const struct fm_result_ack *ack)
{
    struct pool *pool = worker->pool;
    forget_lease(worker, ack->lease);
    if (ack->stale) {
        fputs("noop: a result was stale\n", stderr);
        return;
    }
    if (++pool->acknowledged == pool->expect) {
        printf("settled %llu %lld %lld %lld\n", (unsigned long long)pool->acknowledged,
               (long long)pool->opened_us, (long long)pool->first_us,
               (long long)fm_clock_wall_us());
        pool->acknowledged = 0;
        pool->first_us = 0;
        if (pool->log != NULL) {
            fflush(pool->log);
        }
        fflush(stdout);
    }
}

/* A result that was not acknowledged before the WELCOME is sent again. */
static void handle_welcome(struct worker *worker)
{
    for (struct lease *lease = worker->leases; lease != NULL; lease = lease->hh.next) {
        if (lease->due_us == 0) {
            (void)send_result(worker, lease);
        }
    }
    if (++worker->pool->attached == worker->pool->count) {
        puts("attached");
        fflush(stdout);
    }
}

static void handle_message(void *context, struct fm_message *message)
{
    struct worker *worker = context;
    switch (message->type) {
    case FM_MESSAGE_WELCOME:
        handle_welcome(worker);
        break;
    case FM_MESSAGE_JOB:
        accept_job(worker, &message->job);
        break;
    case FM_MESSAGE_RESULT_ACK:
        handle_ack(worker, &message->result_ack);
        break;
    case FM_MESSAGE_CANCEL:
        forget_lease(worker, message->cancel.lease);
        break;
    case FM_MESSAGE_REFUSE:
        die("refused", NULL);
        break;
    default:
        break;
    }
}

/* ---- the pool ---- */

static void read_input(void *context)
{
    struct pool *pool = context;
    char bytes[64];
    pool->is_over = read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0;
}

static void open_worker(struct pool *pool, const char *secret)
{
    struct fm_error err = {0};
    struct worker *worker = &pool->workers[pool->count++];
    worker->pool = pool;
    if (!fm_link_key_read(secret, &worker->key, &err)) {
        die("key", &err);
    }
    struct fm_link_options options = {.loop = pool->loop,
                                      .brokers = pool->broker,
                                      .broker_public_key = pool->broker_key,
                                      .key = &worker->key,
                                      .boot = (uint64_t)pool->opened_us,
                                      .net_slots = pool->slots,
                                      .context = worker,
                                      .list_held = list_held,
                                      .on_message = handle_message};
    worker->link = fm_link_new(&options, &err);
    if (worker->link == NULL) {
        die("link", &err);
    }
}

static void open_workers(struct pool *pool)
{
    struct fm_error err = {0};
    char secret[FM_LINK_KEY_SIZE];
    FILE *secrets = fopen(pool->secrets, "re");
    pool->opened_us = fm_clock_wall_us();
    pool->loop = fm_loop_new(&err);
    if (secrets == NULL || pool->loop == NULL) {
        die("secrets", &err);
    }
    while (pool->count < WORKERS_MAX && fscanf(secrets, "%40s", secret) == 1) {
        open_worker(pool, secret);
    }
    fclose(secrets);
}

static int serve_all(struct pool *pool)
{
    int64_t wake_ms = FM_CLOCK_NEVER, due_us = INT64_MAX;
    for (size_t i = 0; i < pool->count; i++) {
        struct worker *worker = &pool->workers[i];
        int64_t next_ms = fm_link_tick(worker->link, fm_clock_ms());
        int64_t next_us = send_due(worker, fm_clock_wall_us());
        wake_ms = next_ms < wake_ms ? next_ms : wake_ms;
        due_us = next_us < due_us ? next_us : due_us;
    }
    int left_ms = fm_clock_left(wake_ms);
    int64_t due_ms = due_us == INT64_MAX ? left_ms : (due_us - fm_clock_wall_us()) / 1000 + 1;
    return due_ms < left_ms ? (int)(due_ms > 0 ? due_ms : 0) : left_ms;
}

static void close_workers(struct pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        struct fm_message bye;
        fm_message_init(&bye, FM_MESSAGE_BYE);
        (void)fm_link_send(pool->workers[i].link, &bye);
        fm_message_done(&bye);
        fm_link_destroy(&pool->workers[i].link, 200);
    }
    fm_loop_unwatch(pool->loop, STDIN_FILENO);
    fm_loop_destroy(&pool->loop);
    if (pool->log != NULL) {
        fclose(pool->log);
    }
}

static void run_pool(struct pool *pool)
{
    struct fm_error err = {0};
    struct fm_loop_source input = {.on_ready = read_input, .context = pool};
    open_workers(pool);
    if (!fm_loop_watch(pool->loop, STDIN_FILENO, &input, &err)) {
        die("input", &err);
    }
    while (!pool->is_over) {
        fm_loop_next(pool->loop, serve_all(pool));
    }
    close_workers(pool);
}

static int make_key(void)
{
    struct fm_link_key key;
    struct fm_error err = {0};
    if (!fm_link_key_make(&key, &err)) {
        die("key", &err);
    }
    printf("%s\n%s\n", key.public, key.secret);
    return 0;
}

/* ---- options ---- */

enum { MAKE_KEY, BROKER, BROKER_KEY, SECRETS, SLOTS, A_SECOND, EXPECT, LOG };

static const struct option names[] = {{"make-key", no_argument, NULL, MAKE_KEY},
                                      {"broker", required_argument, NULL, BROKER},
                                      {"broker-key", required_argument, NULL, BROKER_KEY},
                                      {"secrets", required_argument, NULL, SECRETS},
                                      {"slots", required_argument, NULL, SLOTS},
                                      {"a-second", required_argument, NULL, A_SECOND},
                                      {"expect", required_argument, NULL, EXPECT},
                                      {"log", required_argument, NULL, LOG},
                                      {NULL, 0, NULL, 0}};

static void read_option(struct pool *pool, int name, const char *value)
{
    uint64_t number = 0;
    bool is_number = fm_text_to_u64(value, 0, 100000000, &number);
    switch (name) {
    case BROKER:
        pool->broker = value;
        return;
    case BROKER_KEY:
        pool->broker_key = value;
        return;
    case SECRETS:
        pool->secrets = value;
        return;
    case LOG:
        pool->log = fopen(value, "we");
        return;
    default:
        break;
    }
    if (!is_number) {
        die("an option is unknown, or its value no number", NULL);
    }
    pool->slots = name == SLOTS ? (unsigned)number : pool->slots;
    pool->gap_us = name == A_SECOND && number > 0 ? 1000000 / (int64_t)number : pool->gap_us;
    pool->expect = name == EXPECT ? number : pool->expect;
}

int main(int argc, char **argv)
{
    struct pool *pool = fm_alloc(sizeof(*pool));
    int name = 0;
    fm_log_open("noop", FM_LOG_WARNING);
    pool->slots = SLOTS_MAX;
    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (name == MAKE_KEY) {
            return make_key();
        }
        read_option(pool, name, optarg);
    }
    if (pool->broker == NULL || pool->broker_key == NULL || pool->secrets == NULL) {
        die("usage: noop --broker HOST:PORT --broker-key K --secrets FILE [options]", NULL);
    }
    run_pool(pool);
    free(pool);
    return 0;
}
