/* Checks whether an address can be listened on, before a process that needs it is started. */
#ifndef FM_CLI_PORT_H
#define FM_CLI_PORT_H

#include "common/error.h"

/* Binds the address as the broker does, listens, and closes it again, so another process may still
 * take it first. SYSTEM with the address and the reason when that fails. True for a text that is
 * not ADDRESS:PORT in numbers: the broker reports that itself. */
bool fm_port_try(const char *address, struct fm_error *err) FM_MUST_CHECK;

#endif
