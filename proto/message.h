/*
 * One message of the link (broker and worker) or of a channel (worker and child): encode it, and
 * decode it under the checks of its table row (messages.def). The only form in which processes
 * exchange data.
 * Checked here: sender, kinds, ranges, lengths. What a message means, and whether it may come now,
 * is for its receiver. The protocol's version travels in HELLO and REFUSE.
 * Threads: any; no shared state.
 */
#ifndef FM_PROTO_MESSAGE_H
#define FM_PROTO_MESSAGE_H

#include "proto/names.h"
#include "proto/pack.h"

/* Rises only with a change that the older side cannot skip; a broker refuses any other version. */
#define FM_MESSAGE_VERSION 1

/* The processes that send messages, as bits: a table row names all that may send its message. */
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
    struct fm_arena arena; /* owns what a decoded message points at */
};

/* Sets the type and the default of every field; the arena is empty. */
void fm_message_init(struct fm_message *message, enum fm_message_type type);
/* Frees what a decoded message points at; its texts and lists are invalid afterwards. */
void fm_message_done(struct fm_message *message);
/* "HELLO", …; "?" for an unknown type. Static. */
const char *fm_message_name(enum fm_message_type type);
/* The most descriptors that may travel with a message of this type; 0 for an unknown type. */
unsigned fm_message_descriptors(enum fm_message_type type);

/* Appends the frame. Fails with PROTOCOL, and leaves the text as it was, if the frame would have
 * more than FM_PACK_LIMIT bytes. */
bool fm_message_encode(const struct fm_message *message, struct fm_text *frame,
                       struct fm_error *err) FM_MUST_CHECK;
/* Decodes a frame into `message`, copying all it needs. `sender` is the single FM_FROM_… of the
 * peer. Every failure is PROTOCOL; an unknown message number has err->param "type", so that the
 * link can drop and count a newer peer's message. After a failure the message needs no
 * fm_message_done. */
bool fm_message_decode(struct fm_slice frame, unsigned sender, struct fm_message *message,
                       struct fm_error *err) FM_MUST_CHECK;

#endif
