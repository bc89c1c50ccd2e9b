/* Finds the client's address when trusted proxies stand in front of the broker. Pure. */
#ifndef FM_BROKER_REQUEST_CLIENT_ADDRESS_H
#define FM_BROKER_REQUEST_CLIENT_ADDRESS_H

#include "common/address.h"

/* The networks of proxies whose X-Forwarded-For is trusted. */
struct fm_client_address_proxies {
    struct fm_address_rule *rules;
    size_t count;
};

/* `text` holds CIDRs separated by commas. Fails with SETTING if an entry is malformed; `proxies` is
 * then empty. */
bool fm_client_address_proxies_read(const char *text, struct fm_client_address_proxies *proxies,
                                    struct fm_error *err) FM_MUST_CHECK;
void fm_client_address_proxies_done(struct fm_client_address_proxies *proxies);
/* Walks X-Forwarded-For from its right end and returns the first address that is not a trusted
 * proxy's; everything left of that address may have been written by the client itself. `peer` is
 * the address at the socket, and is returned unless it is a trusted proxy. `forwarded` is the last
 * header field of that name, or NULL. */
struct fm_address fm_client_address_find(const struct fm_client_address_proxies *proxies,
                                         const struct fm_address *peer, const char *forwarded);

#endif
