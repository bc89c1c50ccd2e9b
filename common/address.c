/* Address ranges, rules in text, and the verdict on one connection. */
#include "common/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

#define RULE_TEXT_SIZE 64 /* "[v6/128]:65535" has at most 57 bytes */

static const char *const refused[] = {
#define FM_ADDRESS_REFUSED(cidr, what) cidr,
#include "common/address.def"
#undef FM_ADDRESS_REFUSED
};

/* Cloud metadata services hand credentials to anybody who can connect. AWS over IPv4 and most
 * others, AWS over IPv6, Alibaba, and Azure, whose address is a public one that address.def does
 * not refuse. */
static const char *const never[] = {"169.254.169.254", "fd00:ec2::254", "100.100.100.200",
                                    "168.63.129.16"};

static const uint16_t default_ports[] = {80, 443, 8080, 8443};

/* The prefixes of IPv6 addresses that carry an IPv4 address in their last four bytes: IPv4-mapped
 * (RFC 4291 §2.5.5.2) and NAT64 (RFC 6052 §2.1). */
static const uint8_t wrappers[][12] = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff},
    {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0},
};

static struct fm_address make_v4(const uint8_t bytes[4])
{
    struct fm_address address = {.family = AF_INET};
    memcpy(address.bytes, bytes, 4);
    return address;
}

static struct fm_address make_v6(const uint8_t bytes[16])
{
    for (size_t i = 0; i < FM_COUNT(wrappers); i++) {
        if (memcmp(bytes, wrappers[i], sizeof(wrappers[i])) == 0) {
            return make_v4(bytes + 12);
        }
    }
    struct fm_address address = {.family = AF_INET6};
    memcpy(address.bytes, bytes, 16);
    return address;
}

bool fm_address_from_socket(const struct sockaddr *from, struct fm_address *address, uint16_t *port)
{
    /* Copied out, because the caller's sockaddr may have any alignment. */
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof(v4));
        uint8_t bytes[4];
        memcpy(bytes, &v4.sin_addr, sizeof(bytes));
        *address = make_v4(bytes);
        *port = ntohs(v4.sin_port);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof(v6));
        *address = make_v6(v6.sin6_addr.s6_addr);
        *port = ntohs(v6.sin6_port);
        return true;
    }
    return false;
}

bool fm_address_parse(const char *text, struct fm_address *address)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *address = make_v4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *address = make_v6(bytes);
        return true;
    }
    return false;
}

void fm_address_format(const struct fm_address *address, char out[FM_ADDRESS_TEXT_SIZE])
{
    if (inet_ntop(address->family, address->bytes, out, FM_ADDRESS_TEXT_SIZE) == NULL) {
        out[0] = '\0';
    }
}

static unsigned bits_of(int family)
{
    return family == AF_INET ? 32 : 128;
}

static bool has_prefix(const struct fm_address *address, const struct fm_address *base,
                       unsigned bits)
{
    if (address->family == 0 || address->family != base->family) {
        return false;
    }
    size_t whole = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(address->bytes, base->bytes, whole) != 0) {
        return false;
    }
    unsigned differing = rest == 0 ? 0 : (unsigned)(address->bytes[whole] ^ base->bytes[whole]);
    return differing >> (8 - rest) == 0;
}

static bool is_zero(const struct fm_address *address)
{
    static const uint8_t zero[16];
    return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

static bool is_within(const struct fm_address *address, const char *cidr)
{
    struct fm_address_rule rule;
    return fm_address_rule_parse(cidr, &rule, NULL) &&
           has_prefix(address, &rule.base, rule.prefix_bits);
}

bool fm_address_is_in(const struct fm_address *address, const struct fm_address_rule *rule)
{
    return has_prefix(address, &rule->base, rule->prefix_bits);
}

bool fm_address_is_loopback(const struct fm_address *address)
{
    return is_within(address, "127.0.0.0/8") || is_within(address, "::1/128");
}

bool fm_address_is_public(const struct fm_address *address)
{
    for (size_t i = 0; i < FM_COUNT(refused); i++) {
        if (is_within(address, refused[i])) {
            return false;
        }
    }
    return address->family != 0;
}

bool fm_address_is_never(const struct fm_address *address)
{
    for (size_t i = 0; i < FM_COUNT(never); i++) {
        if (is_within(address, never[i])) {
            return true;
        }
    }
    return false;
}

bool fm_address_port_is_default(uint16_t port)
{
    for (size_t i = 0; i < FM_COUNT(default_ports); i++) {
        if (default_ports[i] == port) {
            return true;
        }
    }
    return false;
}

/* A rule's text cut into its three parts; the pointers point into `copy`. */
struct parts {
    char copy[RULE_TEXT_SIZE];
    char *address;
    char *bits; /* NULL: no length written, the rule is one address */
    char *port; /* NULL: none written */
};

/* Splits `a/b:port`, `[v6/b]:port`, or an IPv6 range without brackets, whose colons introduce no
 * port: a port is read only when the text has a single colon. */
static bool split_rule(const char *text, struct parts *parts)
{
    if (strlen(text) >= sizeof(parts->copy)) {
        return false;
    }
    memcpy(parts->copy, text, strlen(text) + 1);
    parts->address = parts->copy;
    if (parts->copy[0] == '[') {
        char *end = strchr(parts->copy, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return false;
        }
        parts->address = parts->copy + 1;
        parts->port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
    } else {
        char *colon = strchr(parts->copy, ':');
        bool is_port = colon != NULL && strchr(colon + 1, ':') == NULL;
        parts->port = is_port ? colon + 1 : NULL;
        parts->copy[is_port ? (size_t)(colon - parts->copy) : strlen(parts->copy)] = '\0';
    }
    char *slash = strchr(parts->address, '/');
    parts->bits = slash == NULL ? NULL : slash + 1;
    if (slash != NULL) {
        *slash = '\0';
    }
    return true;
}

/* A prefix length counts from the first bit of the address as written. The base of a rule such as
 * ::ffff:10.0.0.0/104 was unwrapped to IPv4, so its 96 wrapper bits are subtracted. */
static bool read_prefix(const struct parts *parts, struct fm_address_rule *rule)
{
    uint64_t bits = 0;
    bool is_v6_text = strchr(parts->address, ':') != NULL;
    unsigned written = is_v6_text ? 128 : 32;
    unsigned own = bits_of(rule->base.family);
    if (parts->bits == NULL) {
        rule->prefix_bits = own;
        return true;
    }
    if (!fm_text_to_u64(parts->bits, written - own, written, &bits)) {
        return false;
    }
    rule->prefix_bits = (unsigned)bits - (written - own);
    return true;
}

/* 10.1.2.3/8 has a typing error in the address or in the length. Only the operator knows which, so
 * the rule is refused instead of being masked. */
static bool has_host_bits(const struct fm_address_rule *rule)
{
    for (unsigned bit = rule->prefix_bits; bit < bits_of(rule->base.family); bit++) {
        if ((rule->base.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return true;
        }
    }
    return false;
}

bool fm_address_rule_parse(const char *text, struct fm_address_rule *rule, struct fm_error *err)
{
    struct parts parts = {0};
    uint64_t port = 0;
    *rule = (struct fm_address_rule){0};
    if (!split_rule(text, &parts) || !fm_address_parse(parts.address, &rule->base) ||
        !read_prefix(&parts, rule)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, NULL,
                             "\"%.64s\" is not an address range; write 10.0.0.0/8, "
                             "192.168.1.5:8080 or [fd00::/8]:443",
                             text);
    }
    if (parts.port != NULL && !fm_text_to_u64(parts.port, 1, UINT16_MAX, &port)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, NULL, "\"%.64s\" has no valid port", text);
    }
    if (has_host_bits(rule)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, NULL,
                             "\"%.64s\" has address bits set beyond its prefix length", text);
    }
    rule->port = (uint16_t)port;
    return true;
}

bool fm_address_rules_parse(const char *text, struct fm_address_rule **rules, size_t *count,
                            struct fm_error *err)
{
    static const char separators[] = ", \t\r\n";
    for (const char *at = text + strspn(text, separators); *at != '\0';
         at += strspn(at, separators)) {
        size_t length = strcspn(at, separators);
        FM_AUTO_FREE char *word = fm_strndup(at, length);
        struct fm_address_rule rule;
        if (!fm_address_rule_parse(word, &rule, err)) {
            return false;
        }
        *rules = fm_realloc_array(*rules, *count + 1, sizeof(**rules));
        (*rules)[(*count)++] = rule;
        at += length;
    }
    return true;
}

/* A rule whose base is the wildcard address covers loopback in both families: a listener on
 * 0.0.0.0 or :: is reached through 127.0.0.1 and may be reached through ::1. */
static bool is_own(const struct fm_address_rule *rule, const struct fm_address *address,
                   uint16_t port)
{
    if (rule->port != 0 && rule->port != port) {
        return false;
    }
    return has_prefix(address, &rule->base, rule->prefix_bits) ||
           (is_zero(&rule->base) && fm_address_is_loopback(address));
}

static bool is_allowed(const struct fm_address_rule *rule, const struct fm_address *address,
                       uint16_t port)
{
    bool is_port = rule->port == 0 ? fm_address_port_is_default(port) : rule->port == port;
    return is_port && has_prefix(address, &rule->base, rule->prefix_bits);
}

bool fm_address_may_connect(const struct fm_address_policy *policy,
                            const struct fm_address *address, uint16_t port)
{
    /* Linux connects to loopback when the target is 0.0.0.0 or ::, which no rule of `own` would
     * match. */
    if (is_zero(address) || fm_address_is_never(address)) {
        return false;
    }
    for (size_t i = 0; i < policy->own_count; i++) {
        if (is_own(&policy->own[i], address, port)) {
            return false;
        }
    }
    for (size_t i = 0; i < policy->allow_count; i++) {
        if (is_allowed(&policy->allow[i], address, port)) {
            return true;
        }
    }
    return fm_address_is_public(address) && fm_address_port_is_default(port);
}

void fm_address_policy_done(struct fm_address_policy *policy)
{
    free(policy->allow);
    free(policy->own);
    *policy = (struct fm_address_policy){0};
}
