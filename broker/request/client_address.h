/* Who asks, where a proxy stands in front. Pure. */
#ifndef FM_BROKER_REQUEST_CLIENT_ADDRESS_H
#define FM_BROKER_REQUEST_CLIENT_ADDRESS_H

#include "common/address.h"

/* The proxies whose X-Forwarded-For is believed. */
struct fm_client_address_proxies {
    struct fm_address_rule *rules;
    size_t count;
};

/* `text`: CIDRs separated by commas. SETTING when one is malformed. */
bool fm_client_address_proxies_read(const char *text, struct fm_client_address_proxies *proxies,
                                    struct fm_error *err) FM_MUST_CHECK;
void fm_client_address_proxies_done(struct fm_client_address_proxies *proxies);
/* The client: the last address of `forwarded` (the last field of that name, or NULL) that no
 * trusted proxy has, as long as `peer`, which is at the socket, is such a proxy. What stands to the
 * left of it a client may have written. */
struct fm_address fm_client_address_find(const struct fm_client_address_proxies *proxies,
                                         const struct fm_address *peer, const char *forwarded);

#endif
