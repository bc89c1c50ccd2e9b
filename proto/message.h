/*
 * One message of the link or of a channel: encode, and decode under the table's checks
 * (messages.def). A frame is at most 64 KiB. The version is carried by HELLO and REFUSE.
 */
#ifndef FM_PROTO_MESSAGE_H
#define FM_PROTO_MESSAGE_H

#include "proto/operations.h"
#include "proto/pack.h"

#define FM_MESSAGE_VERSION 1

/* Who may send a message. */
#define FM_FROM_BROKER 1u
#define FM_FROM_WORKER 2u
#define FM_FROM_TRANSFER 4u
#define FM_FROM_MEDIA 8u

#include "proto/record_struct.h"

#include "proto/messages.def"

#include "proto/record_undef.h"

enum fm_message_type {
#define FM_MESSAGE(number, NAME, tag, senders, descriptors, prose) FM_MESSAGE_##NAME = number,
#include "proto/messages.def"
#undef FM_MESSAGE
};

struct fm_message {
    enum fm_message_type type;
    union {
#define FM_MESSAGE(number, NAME, tag, senders, descriptors, prose) struct fm_##tag tag;
#include "proto/messages.def"
#undef FM_MESSAGE
    };
    struct fm_arena arena; /* what a decoded message points at */
};

/* Sets type and every field's default; the arena is empty. */
void fm_message_init(struct fm_message *message, enum fm_message_type type);
void fm_message_done(struct fm_message *message);
/* "HELLO", …; "?" for an unknown number; static. */
const char *fm_message_name(enum fm_message_type type);
/* At most so many descriptors travel with it. */
unsigned fm_message_descriptors(enum fm_message_type type);

/* Appends the frame. PROTOCOL if it would pass 64 KiB. */
bool fm_message_encode(const struct fm_message *message, struct fm_text *frame,
                       struct fm_error *err) FM_MUST_CHECK;
/* `sender` is the one FM_FROM_… the peer is. An unknown number is PROTOCOL with err->param "type",
 * so that the link can drop and count it. On failure the message needs no done. */
bool fm_message_decode(struct fm_slice frame, unsigned sender, struct fm_message *message,
                       struct fm_error *err) FM_MUST_CHECK;

#endif
