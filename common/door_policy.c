/*
 * Completes `own` for listeners on a wildcard address, which accept connections on every interface.
 * address.c is pure and knows only loopback, so the interfaces are looked up here, once per door:
 * an address that the host gets later is not in the copy.
 */
#include "common/door_policy.h"

#include <ifaddrs.h>
#include <string.h>

#include "common/memory.h"

static struct fm_address_rule *copy_rules(const struct fm_address_rule *rules, size_t count)
{
    struct fm_address_rule *copy = fm_alloc_array(count, sizeof(*copy));
    if (count > 0) {
        memcpy(copy, rules, count * sizeof(*copy));
    }
    return copy;
}

static bool is_wildcard(const struct fm_address_rule *rule)
{
    static const uint8_t zero[sizeof(rule->base.bytes)];
    return memcmp(rule->base.bytes, zero, sizeof(zero)) == 0;
}

static void add_own(struct fm_address_policy *policy, const struct fm_address *address,
                    uint16_t port)
{
    policy->own = fm_realloc_array(policy->own, policy->own_count + 1, sizeof(*policy->own));
    policy->own[policy->own_count++] = (struct fm_address_rule){
        .base = *address, .prefix_bits = address->family == AF_INET ? 32 : 128, .port = port};
}

/* `given` is the number of rules before any was added: the loop must not walk its own additions. */
static void add_interface(struct fm_address_policy *policy, size_t given,
                          const struct sockaddr *socket_address)
{
    struct fm_address address = {0};
    uint16_t port = 0;
    if (socket_address == NULL || !fm_address_from_socket(socket_address, &address, &port)) {
        return;
    }
    for (size_t i = 0; i < given; i++) {
        if (is_wildcard(&policy->own[i])) {
            add_own(policy, &address, policy->own[i].port);
        }
    }
}

struct fm_address_policy fm_door_policy_copy(const struct fm_address_policy *policy)
{
    struct fm_address_policy copy = {
        .allow = copy_rules(policy->allow, policy->allow_count),
        .allow_count = policy->allow_count,
        .own = copy_rules(policy->own, policy->own_count),
        .own_count = policy->own_count,
    };
    struct ifaddrs *first = NULL;
    if (getifaddrs(&first) == 0) {
        for (const struct ifaddrs *at = first; at != NULL; at = at->ifa_next) {
            add_interface(&copy, policy->own_count, at->ifa_addr);
        }
        freeifaddrs(first);
    }
    return copy;
}
