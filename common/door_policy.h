/* A door's own copy of its policy. Part of door.c. */
#ifndef FM_COMMON_DOOR_POLICY_H
#define FM_COMMON_DOOR_POLICY_H

#include "common/address.h"

/* With each wildcard rule of `own` spelled out for the addresses of this host's interfaces. */
struct fm_address_policy fm_door_policy_copy(const struct fm_address_policy *policy);

#endif
