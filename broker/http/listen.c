/* Binds the listening socket, instead of MHD, so that errors name the setting and the port is known
 * when any free one was asked for; and the server's counts. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "broker/http/exchange.h"
#include "common/file.h"

#define BACKLOG 1024

/* "127.0.0.1:8080" or "[::1]:8080" into its two halves. */
static bool split_listen(const char *listen_text, char *host, size_t size, char **port,
                         struct fm_error *err)
{
    if (snprintf(host, size, "%s", listen_text) >= (int)size ||
        (*port = strrchr(host, ':')) == NULL) {
        return fm_fail_param(err, FM_SETTING, "listen", "listen must be ADDRESS:PORT");
    }
    *(*port)++ = '\0';
    size_t length = strlen(host);
    if (length > 1 && host[0] == '[' && host[length - 1] == ']') {
        memmove(host, host + 1, length);
        host[length - 2] = '\0';
    }
    return true;
}

/* `listen_text` is the address as configured, for the error's text. */
static bool bind_socket(const struct addrinfo *place, const char *listen_text, int *fd,
                        struct fm_error *err)
{
    int yes = 1;
    *fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0) {
        return fm_fail_errno(err, "socket");
    }
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(*fd, place->ai_addr, place->ai_addrlen) != 0 || listen(*fd, BACKLOG) != 0) {
        int number = errno;
        char text[128];
        fm_file_close(fd);
        return fm_fail_param(err, FM_SETTING, "listen", "cannot listen on %s: %s", listen_text,
                             strerror_r(number, text, sizeof(text)));
    }
    return true;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof(bound);
    struct fm_address address;
    uint16_t port = 0;
    if (getsockname(fd, (struct sockaddr *)&bound, &length) == 0) {
        fm_address_from_socket((struct sockaddr *)&bound, &address, &port);
    }
    return port;
}

/* Each connection needs a descriptor, and the usual soft limit is only 1,024: raises it to the hard
 * limit. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool fm_http_listen(const char *listen_text, int *fd, uint16_t *bound_port, struct fm_error *err)
{
    char host[128], *port = NULL;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    raise_descriptors();
    if (!split_listen(listen_text, host, sizeof(host), &port, err)) {
        return false;
    }
    if (getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &found) != 0) {
        return fm_fail_param(err, FM_SETTING, "listen", "listen must be ADDRESS:PORT, in numbers");
    }
    bool is_bound = bind_socket(found, listen_text, fd, err);
    freeaddrinfo(found);
    *bound_port = is_bound ? port_of(*fd) : 0;
    return is_bound;
}

/* ---- counts ---- */

bool fm_http_is_draining(struct fm_http *http)
{
    pthread_mutex_lock(&http->lock);
    bool is = http->is_draining;
    pthread_mutex_unlock(&http->lock);
    return is;
}

size_t fm_http_busy(struct fm_http *http)
{
    pthread_mutex_lock(&http->lock);
    size_t begun = http->begun;
    pthread_mutex_unlock(&http->lock);
    return begun;
}

size_t fm_http_connections(struct fm_http *http)
{
    pthread_mutex_lock(&http->lock);
    size_t open = http->open;
    pthread_mutex_unlock(&http->lock);
    return open;
}

uint16_t fm_http_port(const struct fm_http *http)
{
    return http->port;
}
