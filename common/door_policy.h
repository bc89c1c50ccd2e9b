/* A door's own copy of the policy, completed with this host's addresses. Part of door.c. */
#ifndef FM_COMMON_DOOR_POLICY_H
#define FM_COMMON_DOOR_POLICY_H

#include "common/address.h"

/* Copies the policy and, for each wildcard rule of `own`, adds a rule for every address that the
 * host's interfaces have now. The caller owns the copy (fm_address_policy_done). */
struct fm_address_policy fm_door_policy_copy(const struct fm_address_policy *policy);

#endif
