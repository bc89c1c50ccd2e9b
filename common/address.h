/*
 * The outbound policy as a pure function of an address: what the untrusted door may connect to.
 * Deny by default; the refused ranges are address.def (IPv4 and IPv6). Pure: no socket, no clock.
 */
#ifndef FM_COMMON_ADDRESS_H
#define FM_COMMON_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"

/* An IPv4 stands as IPv4 however it was wrapped (::ffff:0:0/96, NAT64): unwrapped when made. */
struct fm_address {
    int family; /* AF_INET or AF_INET6; 0 = none */
    uint8_t bytes[16];
};

#define FM_ADDRESS_TEXT_SIZE 46

/* `CIDR[:port]`; `[v6/len]:port`. Port 0: the four default ones. */
struct fm_address_rule {
    struct fm_address base;
    unsigned prefix_bits;
    uint16_t port;
};

/* What may be reached. `allow`: private networks the operator opened. `own`: address:port pairs of
 * this stack, never reached whatever `allow` says (base all zero = every local address). */
struct fm_address_policy {
    struct fm_address_rule *allow;
    size_t allow_count;
    struct fm_address_rule *own;
    size_t own_count;
};

/* False for any other family. */
bool fm_address_from_socket(const struct sockaddr *from, struct fm_address *address,
                            uint16_t *port);
/* A literal, in inet_pton's spelling. */
bool fm_address_parse(const char *text, struct fm_address *address);
void fm_address_format(const struct fm_address *address, char out[FM_ADDRESS_TEXT_SIZE]);
/* Its network holds the address; the port is not looked at. */
bool fm_address_is_in(const struct fm_address *address, const struct fm_address_rule *rule);
bool fm_address_is_loopback(const struct fm_address *address);
/* Outside every refused range. */
bool fm_address_is_public(const struct fm_address *address);
/* Cloud metadata addresses: refused whatever the allow-list says. */
bool fm_address_is_never(const struct fm_address *address);
/* 80, 443, 8080, 8443. */
bool fm_address_port_is_default(uint16_t port);

/* One rule from text; INVALID_PARAMETER with a message for the operator. */
bool fm_address_rule_parse(const char *text, struct fm_address_rule *rule,
                           struct fm_error *err) FM_MUST_CHECK;
/* A list separated by commas or white space, appended to; "" is an empty list. */
bool fm_address_rules_parse(const char *text, struct fm_address_rule **rules, size_t *count,
                            struct fm_error *err) FM_MUST_CHECK;
/* The decision, made on the resolved address when it is about to be connected to. */
bool fm_address_may_connect(const struct fm_address_policy *policy,
                            const struct fm_address *address, uint16_t port);
void fm_address_policy_done(struct fm_address_policy *policy);

#endif
