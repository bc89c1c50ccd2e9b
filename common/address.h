/*
 * The outbound policy as a function of an address: which addresses and ports a job's URLs may
 * reach. Deny by default: the refused ranges are address.def, the operator's exceptions are rules
 * in text.
 * May not: open a socket, resolve a name, read a clock. door.c asks for the verdict, url.c and the
 * broker's gate use the parsing alone.
 */
#ifndef FM_COMMON_ADDRESS_H
#define FM_COMMON_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"

/* An IPv4 address inside an IPv6 one (::ffff:0:0/96, 64:ff9b::/96) is unwrapped when it is made,
 * so a wrapped 127.0.0.1 meets the same rules as a plain one. */
struct fm_address {
    int family;        /* AF_INET or AF_INET6; 0 = none */
    uint8_t bytes[16]; /* network order; AF_INET fills the first four, the rest is zero */
};

#define FM_ADDRESS_TEXT_SIZE 46 /* INET6_ADDRSTRLEN, with the NUL */

/* A range and a port, written `CIDR[:port]` or `[v6/length]:port`. Port 0 (none written) means the
 * four default ports in `allow`, and every port in `own`. */
struct fm_address_rule {
    struct fm_address base;
    unsigned prefix_bits;
    uint16_t port;
};

/* The rules of one door. Owns both arrays (malloc'ed); fm_address_policy_done frees them.
 * `allow`: private networks and ports that the operator opened.
 * `own`: where this stack itself listens; refused whatever `allow` says. A base of all zeros stands
 * for loopback here, and door_policy.c adds the addresses of the host's interfaces. */
struct fm_address_policy {
    struct fm_address_rule *allow;
    size_t allow_count;
    struct fm_address_rule *own;
    size_t own_count;
};

/* Address and port of an AF_INET or AF_INET6 socket address; false for any other family. `from` may
 * have any alignment. */
bool fm_address_from_socket(const struct sockaddr *from, struct fm_address *address,
                            uint16_t *port);
/* Reads an address literal in inet_pton's spelling: dotted decimal alone for IPv4, no brackets. */
bool fm_address_parse(const char *text, struct fm_address *address);
/* "" for an address of no family. */
void fm_address_format(const struct fm_address *address, char out[FM_ADDRESS_TEXT_SIZE]);
/* True if the address lies in the rule's range; the rule's port is not looked at. */
bool fm_address_is_in(const struct fm_address *address, const struct fm_address_rule *rule);
bool fm_address_is_loopback(const struct fm_address *address);
/* True outside every range of address.def. */
bool fm_address_is_public(const struct fm_address *address);
/* True for the metadata addresses of clouds, which no allow-list can open. */
bool fm_address_is_never(const struct fm_address *address);
/* True for 80, 443, 8080 and 8443. */
bool fm_address_port_is_default(uint16_t port);

/* Reads one rule. Fails with INVALID_PARAMETER and a message for the operator; bits set behind the
 * prefix length are refused too. */
bool fm_address_rule_parse(const char *text, struct fm_address_rule *rule,
                           struct fm_error *err) FM_MUST_CHECK;
/* Reads rules separated by commas or white space and appends them to *rules, which it reallocates.
 * "" is an empty list. After a failure the rules read so far stay in the list. */
bool fm_address_rules_parse(const char *text, struct fm_address_rule **rules, size_t *count,
                            struct fm_error *err) FM_MUST_CHECK;
/* The verdict on one connection. Ask with the resolved address right before connecting to it: a
 * verdict on a host name could be outdated by the next answer of its DNS server.
 * In this order: the metadata addresses and 0.0.0.0 or :: are refused, then `own`; then `allow`
 * opens; every other address must be public and its port a default one. */
bool fm_address_may_connect(const struct fm_address_policy *policy,
                            const struct fm_address *address, uint16_t port);
/* Frees both arrays and zeroes the struct; may be called again. */
void fm_address_policy_done(struct fm_address_policy *policy);

#endif
