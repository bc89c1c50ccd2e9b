/*
 * A small HTTP server for the tests of this room: one thread, one connection at a time, each closed
 * after its response. A test scripts it with a function that gets the request. The server asserts
 * nothing itself, because a failed assertion belongs on the test's own thread: it counts and keeps
 * what it received, and the test looks at that.
 */
#ifndef FM_TEST_TRANSFER_HTTP_H
#define FM_TEST_TRANSFER_HTTP_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_BODY_LIMIT 65536

struct http_request {
    char method[8];
    char path[256]; /* with the query */
    char head[4096];
    char body[HTTP_BODY_LIMIT];
    size_t body_length;
};

struct http_server {
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_int connections;
    atomic_int read; /* requests read; counted after `request` is complete */
    void (*answer)(struct http_server *server, int fd, const struct http_request *request);
    void *context;               /* for `answer` */
    int gate[2];                 /* a pipe: http_wait_gate reads, http_open_gate writes */
    struct http_request request; /* the last one: look at it once the child has moved on */
};

static inline void http_send(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = send(fd, bytes, length, MSG_NOSIGNAL);
        if (put <= 0) {
            return;
        }
        bytes += put;
        length -= (size_t)put;
    }
}

static inline void http_send_text(int fd, const char *text)
{
    http_send(fd, text, strlen(text));
}

/* A script waits here until the test opens the gate. */
static inline void http_wait_gate(struct http_server *server)
{
    char byte;
    ssize_t got = read(server->gate[0], &byte, 1);
    (void)got;
}

static inline void http_open_gate(struct http_server *server)
{
    ssize_t put = write(server->gate[1], "g", 1);
    (void)put;
}

/* Byte by byte, so that no byte of the body is read with the head. 0: the client closed. */
static inline size_t http_read_head(int fd, struct http_request *request)
{
    size_t length = 0;
    while (length + 1 < sizeof(request->head)) {
        if (recv(fd, request->head + length, 1, 0) != 1) {
            return 0;
        }
        request->head[++length] = '\0';
        if (length >= 4 && memcmp(request->head + length - 4, "\r\n\r\n", 4) == 0) {
            return length;
        }
    }
    return 0;
}

/* Reads one request with its body; 0 if it did not come whole or its body is too large. */
static inline int http_read(int fd, struct http_request *request)
{
    memset(request, 0, sizeof(*request));
    if (http_read_head(fd, request) == 0 ||
        sscanf(request->head, "%7s %255s", request->method, request->path) != 2) {
        return 0;
    }
    const char *length = strcasestr(request->head, "\r\ncontent-length:");
    size_t expected = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
    if (strcasestr(request->head, "100-continue") != NULL) {
        http_send_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    while (request->body_length < expected && expected <= HTTP_BODY_LIMIT) {
        ssize_t got =
            recv(fd, request->body + request->body_length, expected - request->body_length, 0);
        if (got <= 0) {
            return 0;
        }
        request->body_length += (size_t)got;
    }
    return 1;
}

static inline void *http_run(void *argument)
{
    struct http_server *server = argument;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return NULL;
        }
        atomic_fetch_add(&server->connections, 1);
        if (http_read(fd, &server->request)) {
            atomic_fetch_add(&server->read, 1);
            server->answer(server, fd, &server->request);
        }
        close(fd);
    }
}

static inline void
http_start(struct http_server *server,
           void (*answer)(struct http_server *, int, const struct http_request *), void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    memset(server, 0, sizeof(*server));
    server->answer = answer;
    server->context = context;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || pipe2(server->gate, O_CLOEXEC) != 0 ||
        bind(server->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(server->listener, 16) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &length) != 0) {
        abort();
    }
    server->port = ntohs(address.sin_port);
    if (pthread_create(&server->thread, NULL, http_run, server) != 0) {
        abort();
    }
}

static inline void http_stop(struct http_server *server)
{
    close(server->gate[1]); /* lets a script go on that still waits at the gate */
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->gate[0]);
}

#endif
