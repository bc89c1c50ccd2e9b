/* Whether an address can be listened on. */
#ifndef FM_CLI_PORT_H
#define FM_CLI_PORT_H

#include "common/error.h"

/* Tried as the broker will, and let go again. SYSTEM with the address and the reason. True for what
 * is no ADDRESS:PORT in numbers: the broker will say so. */
bool fm_port_try(const char *address, struct fm_error *err) FM_MUST_CHECK;

#endif
