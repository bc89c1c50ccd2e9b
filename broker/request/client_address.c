/* Walks X-Forwarded-For from the right, as far as the proxies are trusted: see client_address.h. */
#include "broker/request/client_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fm_client_address_proxies_read(const char *text, struct fm_client_address_proxies *proxies,
                                    struct fm_error *err)
{
    *proxies = (struct fm_client_address_proxies){0};
    if (fm_address_rules_parse(text, &proxies->rules, &proxies->count, err)) {
        return true;
    }
    fm_client_address_proxies_done(proxies);
    return fm_fail(err, FM_SETTING, "trusted_proxies: \"%s\" is not a list of networks", text);
}

void fm_client_address_proxies_done(struct fm_client_address_proxies *proxies)
{
    free(proxies->rules);
    *proxies = (struct fm_client_address_proxies){0};
}

static bool is_trusted(const struct fm_client_address_proxies *proxies,
                       const struct fm_address *address)
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (fm_address_is_in(address, &proxies->rules[i])) {
            return true;
        }
    }
    return false;
}

/* Parses the last entry of "a, b, c" before `*end`, and moves `*end` to the comma before that
 * entry. False if the entry is not an address. */
static bool parse_last(const char *list, size_t *end, struct fm_address *address)
{
    char text[FM_ADDRESS_TEXT_SIZE];
    size_t begin = *end;
    while (begin > 0 && list[begin - 1] != ',') {
        begin--;
    }
    size_t first = begin + strspn(list + begin, " \t"), length = *end > first ? *end - first : 0;
    while (length > 0 && (list[first + length - 1] == ' ' || list[first + length - 1] == '\t')) {
        length--;
    }
    *end = begin > 0 ? begin - 1 : 0;
    return length < sizeof(text) &&
           snprintf(text, sizeof(text), "%.*s", (int)length, list + first) > 0 &&
           fm_address_parse(text, address);
}

struct fm_address fm_client_address_find(const struct fm_client_address_proxies *proxies,
                                         const struct fm_address *peer, const char *forwarded)
{
    struct fm_address client = *peer, next;
    size_t end = forwarded != NULL ? strlen(forwarded) : 0;
    while (end > 0 && is_trusted(proxies, &client) && parse_last(forwarded, &end, &next)) {
        client = next;
    }
    return client;
}
