/* Which of a caller's header fields the door sends. Pure. Part of door.c. */
#ifndef FM_COMMON_DOOR_FIELD_H
#define FM_COMMON_DOOR_FIELD_H

#include "common/door.h"

/* A token for a name (RFC 9110 §5.6.2), and a value that cannot start a line of its own. */
bool fm_door_field_is_sound(const struct fm_door_header *field);
/* Fields that frame the message, steer the connection or choose the coding are the door's own. */
bool fm_door_field_is_own(const struct fm_door_header *field);
/* Harmless in anybody's hands: may go to an origin the caller did not name. */
bool fm_door_field_may_travel(const struct fm_door_header *field);

#endif
