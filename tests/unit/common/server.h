/* A small HTTP server for tests: a thread on a free loopback port that answers paths with canned
 * bytes. */
#ifndef FM_TESTS_UNIT_COMMON_SERVER_H
#define FM_TESTS_UNIT_COMMON_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/text.h"
#include "tests/unit/common/unit.h"

enum ending { CLOSE, HOLD, RESET };

/* `reply` leaves as it stands, then `ending`: HOLD keeps the connection open and silent. */
struct route {
    const char *path;
    enum ending ending;
    char *reply;
};

#define ROUTES_LIMIT 64
#define HELD_LIMIT 64

struct server {
    int listener;
    uint16_t port;
    pthread_t thread;
    struct route routes[ROUTES_LIMIT];
    size_t route_count;
    int held[HELD_LIMIT];
    size_t held_count;
    _Atomic unsigned connections;
    char last_request[65536]; /* read when no request is under way */
};

static void server_route(struct server *server, const char *path, enum ending ending, char *reply)
{
    assert_true(server->route_count < ROUTES_LIMIT);
    server->routes[server->route_count++] = (struct route){path, ending, reply};
}

/* The head, and the body it announces. */
static void server_read(struct server *server, int fd)
{
    size_t length = 0;
    size_t wanted = sizeof(server->last_request) - 1;
    memset(server->last_request, 0, sizeof(server->last_request));
    while (length < wanted) {
        ssize_t got = recv(fd, server->last_request + length, wanted - length, 0);
        if (got <= 0) {
            return;
        }
        length += (size_t)got;
        const char *end = strstr(server->last_request, "\r\n\r\n");
        const char *announced = strstr(server->last_request, "Content-Length: ");
        if (end != NULL) {
            size_t head = (size_t)(end - server->last_request) + 4;
            wanted = head + (announced == NULL ? 0 : strtoul(announced + 16, NULL, 10));
        }
    }
}

static const struct route *server_find(const struct server *server)
{
    const char *space = strchr(server->last_request, ' ');
    for (size_t i = 0; space != NULL && i < server->route_count; i++) {
        size_t length = strlen(server->routes[i].path);
        if (strncmp(space + 1, server->routes[i].path, length) == 0 && space[1 + length] == ' ') {
            return &server->routes[i];
        }
    }
    return NULL;
}

static void server_answer(struct server *server, int fd)
{
    server_read(server, fd);
    const struct route *route = server_find(server);
    const char *reply =
        route == NULL ? "HTTP/1.1 599 No Route\r\nContent-Length: 0\r\n\r\n" : route->reply;
    size_t length = strlen(reply);
    while (length > 0) {
        ssize_t put = send(fd, reply, length, MSG_NOSIGNAL);
        if (put <= 0) {
            break;
        }
        reply += put;
        length -= (size_t)put;
    }
    if (route != NULL && route->ending == HOLD && server->held_count < HELD_LIMIT) {
        server->held[server->held_count++] = fd;
        return;
    }
    if (route != NULL && route->ending == RESET) {
        struct linger now = {1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    } else {
        /* Unread bytes would turn the close into a reset. */
        char rest[256];
        shutdown(fd, SHUT_WR);
        while (recv(fd, rest, sizeof(rest), 0) > 0) {
        }
    }
    close(fd);
}

static void *server_run(void *context)
{
    struct server *server = context;
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return NULL;
        }
        server->connections++;
        server_answer(server, fd);
    }
}

/* Routes are added before the first request. */
static void server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (size_t i = 0; i < server->held_count; i++) {
        close(server->held[i]);
    }
    for (size_t i = 0; i < server->route_count; i++) {
        free(server->routes[i].reply);
    }
}

#endif
