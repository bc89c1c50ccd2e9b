/*
 * An HTTP/1.1 client that offers load: so many connections, one request under way on each, all on
 * one epoll. Its last line is one JSON object on how long the answers took.
 *   client --port P --key K [--connections N] [--count N] [--seconds N] [--body TEXT]
 *          [--words FILE] [--close] [--pause-ms N] [--until-done] [--log FILE] METHOD TARGET
 * `%` in the target stands for the next word of the file; with --until-done it is asked for again
 * until its job has ended. After --seconds nothing new is asked, and with --until-done what is
 * under way is left. The log has a line for each answer: job, sent and answered (us since 1970),
 * status, whether the job had ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memory.h"
#include "common/text.h"

#define PATIENCE_MS 90000 /* above the longest wait the API knows */
#define WORD_SIZE 64
#define EVENTS 256

struct options {
    uint16_t port;
    const char *key, *method, *target, *body, *words, *log;
    size_t connections, count;
    int64_t pause_us, limit_us;
    bool closes, until_done;
};

struct connection {
    int fd; /* -1: none */
    bool is_busy;
    char word[WORD_SIZE];
    int64_t sent_us, due_us;
    struct fm_text answer;
};

struct answer {
    char job[WORD_SIZE];
    int64_t sent_us, answered_us;
    unsigned status;
    bool is_done;
};

struct client {
    struct options options;
    struct connection *connections;
    struct answer *answers;
    size_t asked, busy, answered, capacity, failed, lost;
    FILE *words;
    int epoll;
    int64_t begun_us;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- one connection ---- */

static void open_connection(struct client *client, struct connection *connection)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(client->options.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0 ||
        epoll_ctl(client->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        die("connect");
    }
}

static void close_connection(struct connection *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    connection->fd = -1;
}

static void put_target(const struct connection *connection, const char *target, struct fm_text *out)
{
    for (; *target != '\0'; target++) {
        if (*target == '%') {
            fm_text_append(out, connection->word);
        } else {
            fm_text_append_char(out, *target);
        }
    }
}

static void send_request(struct client *client, struct connection *connection)
{
    const struct options *options = &client->options;
    FM_AUTO(fm_text_done) struct fm_text request = {0};
    if (connection->fd < 0) {
        open_connection(client, connection);
    }
    fm_text_format(&request, "%s ", options->method);
    put_target(connection, options->target, &request);
    fm_text_format(&request, " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n",
                   options->port, options->key);
    if (options->body != NULL) {
        fm_text_format(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                       strlen(options->body));
    }
    fm_text_append(&request, options->closes ? "Connection: close\r\n\r\n" : "\r\n");
    fm_text_append(&request, options->body != NULL ? options->body : "");
    fm_text_clear(&connection->answer);
    connection->is_busy = true;
    client->busy++;
    connection->sent_us = fm_clock_wall_us();
    /* Smaller than any socket's buffer. */
    if (send(connection->fd, request.data, request.length, MSG_NOSIGNAL) !=
        (ssize_t)request.length) {
        die("send");
    }
}

static bool is_late(const struct client *client)
{
    return client->options.limit_us > 0 &&
           fm_clock_wall_us() - client->begun_us > client->options.limit_us;
}

/* The next request of this connection, if one is left. */
static void send_next(struct client *client, struct connection *connection)
{
    if (is_late(client)) {
        client->options.count = client->asked;
    }
    if (client->asked >= client->options.count) {
        return;
    }
    if (client->words != NULL && fscanf(client->words, "%63s", connection->word) != 1) {
        client->options.count = client->asked;
        return;
    }
    client->asked++;
    send_request(client, connection);
}

/* ---- answers ---- */

/* The length of the whole answer, or 0 while its head is not there. */
static size_t whole_length(const struct fm_text *answer)
{
    const char *end = answer->length > 0 ? strstr(answer->data, "\r\n\r\n") : NULL;
    if (end == NULL) {
        return 0;
    }
    const char *length = strcasestr(answer->data, "\r\ncontent-length:");
    size_t body =
        length != NULL && length < end ? strtoul(strchr(length, ':') + 1, NULL, 10) : (size_t)0;
    return (size_t)(end - answer->data) + 4 + body;
}

static void keep_answer(struct client *client, const struct connection *connection)
{
    if (client->answered == client->capacity) {
        client->capacity = client->capacity * 2 + 1024;
        client->answers =
            fm_realloc_array(client->answers, client->capacity, sizeof(client->answers[0]));
    }
    struct answer *answer = &client->answers[client->answered++];
    const char *text = fm_text_get(&connection->answer);
    const char *job = strstr(text, "\"job_");
    *answer = (struct answer){
        .job = "-", .sent_us = connection->sent_us, .answered_us = fm_clock_wall_us()};
    if (job != NULL) {
        snprintf(answer->job, sizeof(answer->job), "%.*s", (int)strcspn(job + 1, "\""), job + 1);
    }
    answer->status = (unsigned)strtoul(text + strcspn(text, " "), NULL, 10);
    answer->is_done = strstr(text, "\"done\":true") != NULL;
    if ((answer->status < 200 || answer->status > 399) && client->failed++ == 0) {
        fprintf(stderr, "client: %.400s\n", text);
    }
}

/* Whether the server closes the connection: with thousands of them it keeps none. */
static bool announces_close(const struct connection *connection)
{
    const char *text = fm_text_get(&connection->answer);
    const char *found = strcasestr(text, "\r\nconnection: close\r\n");
    return found != NULL && found < strstr(text, "\r\n\r\n");
}

static void handle_answer(struct client *client, struct connection *connection)
{
    keep_answer(client, connection);
    const struct answer *answer = &client->answers[client->answered - 1];
    connection->is_busy = false;
    client->busy--;
    if (client->options.closes || announces_close(connection)) {
        close_connection(connection);
    }
    connection->due_us = answer->answered_us + client->options.pause_us;
    if (client->options.until_done && !answer->is_done && answer->status < 400) {
        send_request(client, connection);
    } else if (client->options.pause_us == 0) {
        send_next(client, connection);
    }
}

static void lose_connection(struct client *client, struct connection *connection)
{
    close_connection(connection);
    if (connection->is_busy) {
        connection->is_busy = false;
        client->busy--;
        client->lost++;
        send_next(client, connection);
    }
}

static void read_connection(struct client *client, struct connection *connection)
{
    char bytes[16384];
    ssize_t length = recv(connection->fd, bytes, sizeof(bytes), 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        lose_connection(client, connection);
        return;
    }
    fm_text_append_bytes(&connection->answer, bytes, (size_t)length);
    size_t whole = whole_length(&connection->answer);
    if (whole > 0 && connection->answer.length >= whole) {
        handle_answer(client, connection);
    }
}

/* ---- the loop ---- */

/* Those that paused long enough. */
static void send_due(struct client *client)
{
    int64_t now_us = fm_clock_wall_us();
    for (size_t i = 0; i < client->options.connections; i++) {
        struct connection *connection = &client->connections[i];
        if (!connection->is_busy && connection->due_us <= now_us) {
            send_next(client, connection);
        }
    }
}

/* False once there is no more to wait for. */
static bool is_under_way(const struct client *client)
{
    bool is_left = client->options.until_done && is_late(client);
    return !is_left && (client->asked < client->options.count || client->busy > 0);
}

static void wait_for_answers(struct client *client)
{
    struct epoll_event events[EVENTS];
    bool is_timed = client->options.pause_us > 0 || client->options.limit_us > 0;
    int count = epoll_wait(client->epoll, events, EVENTS, is_timed ? 1 : PATIENCE_MS);
    if (count == 0 && !is_timed) {
        fputs("client: no answer arrives\n", stderr);
        exit(1);
    }
    for (int i = 0; i < count; i++) {
        read_connection(client, events[i].data.ptr);
    }
}

static void run_client(struct client *client)
{
    client->begun_us = fm_clock_wall_us();
    for (size_t i = 0; i < client->options.connections; i++) {
        client->connections[i].fd = -1;
        send_next(client, &client->connections[i]);
    }
    while (is_under_way(client)) {
        wait_for_answers(client);
        if (client->options.pause_us > 0) {
            send_due(client);
        }
    }
}

/* ---- what it was like ---- */

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void write_log(const struct client *client)
{
    FILE *log = client->options.log != NULL ? fopen(client->options.log, "we") : NULL;
    for (size_t i = 0; log != NULL && i < client->answered; i++) {
        const struct answer *answer = &client->answers[i];
        fprintf(log, "%s %lld %lld %u %d\n", answer->job, (long long)answer->sent_us,
                (long long)answer->answered_us, answer->status, answer->is_done);
    }
    if (log != NULL) {
        fclose(log);
    }
}

static void print_result(const struct client *client)
{
    size_t count = client->answered;
    int64_t *times = fm_alloc_array(count + 1, sizeof(times[0]));
    int64_t ended_us = client->begun_us;
    for (size_t i = 0; i < count; i++) {
        const struct answer *answer = &client->answers[i];
        times[i] = answer->answered_us - answer->sent_us;
        ended_us = answer->answered_us > ended_us ? answer->answered_us : ended_us;
    }
    qsort(times, count, sizeof(times[0]), compare_times);
    double seconds = (double)(ended_us - client->begun_us) / 1e6;
    int64_t median_us = times[count / 2], slow_us = times[count * 99 / 100];
    int64_t slowest_us = times[count > 0 ? count - 1 : 0];
    printf(
        "{\"answers\": %zu, \"failed\": %zu, \"lost\": %zu, \"begun_us\": %lld, \"seconds\": %.6f, "
        "\"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
        count, client->failed, client->lost, (long long)client->begun_us, seconds,
        seconds > 0 ? (double)count / seconds : 0, (double)median_us / 1e3, (double)slow_us / 1e3,
        (double)slowest_us / 1e3);
    free(times);
}

/* ---- options ---- */

enum { PORT, KEY, CONNECTIONS, COUNT, BODY, WORDS, CLOSE, PAUSE_MS, SECONDS, UNTIL_DONE, LOG };

static const struct option names[] = {{"port", required_argument, NULL, PORT},
                                      {"key", required_argument, NULL, KEY},
                                      {"connections", required_argument, NULL, CONNECTIONS},
                                      {"count", required_argument, NULL, COUNT},
                                      {"body", required_argument, NULL, BODY},
                                      {"words", required_argument, NULL, WORDS},
                                      {"close", no_argument, NULL, CLOSE},
                                      {"pause-ms", required_argument, NULL, PAUSE_MS},
                                      {"seconds", required_argument, NULL, SECONDS},
                                      {"until-done", no_argument, NULL, UNTIL_DONE},
                                      {"log", required_argument, NULL, LOG},
                                      {NULL, 0, NULL, 0}};

static void read_option(struct options *options, int name, const char *value)
{
    uint64_t number = 0;
    bool is_number = value != NULL && fm_text_to_u64(value, 0, 1000000000, &number);
    switch (name) {
    case KEY:
        options->key = value;
        return;
    case BODY:
        options->body = value;
        return;
    case WORDS:
        options->words = value;
        return;
    case LOG:
        options->log = value;
        return;
    case CLOSE:
        options->closes = true;
        return;
    case UNTIL_DONE:
        options->until_done = true;
        return;
    default:
        break;
    }
    if (!is_number) {
        fputs("client: an option is unknown, or its value no number\n", stderr);
        exit(2);
    }
    options->port = name == PORT ? (uint16_t)number : options->port;
    options->connections = name == CONNECTIONS ? number : options->connections;
    options->count = name == COUNT ? number : options->count;
    options->limit_us = name == SECONDS ? (int64_t)number * 1000000 : options->limit_us;
    options->pause_us = name == PAUSE_MS ? (int64_t)number * 1000 : options->pause_us;
}

int main(int argc, char **argv)
{
    struct client client = {.options = {.key = "", .connections = 1, .count = 1}};
    int name = 0;
    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        read_option(&client.options, name, optarg);
    }
    if (argc - optind != 2) {
        fputs("usage: client --port P --key K [options] METHOD TARGET\n", stderr);
        return 2;
    }
    client.options.method = argv[optind];
    client.options.target = argv[optind + 1];
    client.words = client.options.words != NULL ? fopen(client.options.words, "re") : NULL;
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    client.connections = fm_alloc_array(client.options.connections, sizeof(client.connections[0]));
    run_client(&client);
    write_log(&client);
    print_result(&client);
    if (client.words != NULL) {
        fclose(client.words);
    }
    return client.failed + client.lost > 0 ? 3 : 0;
}
