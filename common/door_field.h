/* Which of a caller's header fields the door sends, and to whom. Pure. Part of door.c. */
#ifndef FM_COMMON_DOOR_FIELD_H
#define FM_COMMON_DOOR_FIELD_H

#include "common/door.h"

/* True if the name is a token (RFC 9110 §5.6.2) and the value has no control byte but tab, so that
 * it cannot start another header line. */
bool fm_door_field_is_sound(const struct fm_door_header *field);
/* True for fields that frame the message, steer the connection or choose the coding: the door sets
 * these itself and drops the caller's. */
bool fm_door_field_is_own(const struct fm_door_header *field);
/* True if the field may follow a redirect to another origin than the one the caller named. */
bool fm_door_field_may_travel(const struct fm_door_header *field);

#endif
