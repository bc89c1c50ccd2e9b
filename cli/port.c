/* Tries to listen on an address: see port.h. Never resolves a name, so it never waits for DNS. */
#include "cli/port.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/file.h"
#include "common/memory.h"

/* "127.0.0.1:8080" or "[::1]:8080"; NULL for a text that is not an address in numbers. The caller
 * frees the result with freeaddrinfo. */
static struct addrinfo *resolve_address(const char *address)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(address, ':');
    if (colon == NULL) {
        return NULL;
    }
    bool is_boxed = address[0] == '[' && colon > address && colon[-1] == ']';
    FM_AUTO_FREE char *host =
        fm_strndup(address + is_boxed, (size_t)(colon - address) - (is_boxed ? 2 : 0));
    return getaddrinfo(host[0] != '\0' ? host : NULL, colon + 1, &hints, &found) == 0 ? found
                                                                                      : NULL;
}

bool fm_port_try(const char *address, struct fm_error *err)
{
    struct addrinfo *resolved = resolve_address(address);
    int yes = 1;
    if (resolved == NULL) {
        return true;
    }
    FM_AUTO(fm_file_close) int fd = socket(resolved->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    bool is_good = bind(fd, resolved->ai_addr, resolved->ai_addrlen) == 0 && listen(fd, 1) == 0;
    if (!is_good) {
        fm_fail_errno(err, address);
    }
    freeaddrinfo(resolved);
    return is_good;
}
