/*
 * Inside proto: MessagePack read one value at a time, without memory of its own. Every declared
 * length and count is held against the bytes that are left before anybody believes it.
 */
#ifndef FM_PROTO_PACK_CURSOR_H
#define FM_PROTO_PACK_CURSOR_H

#include "common/text.h"

enum fm_pack_cursor_kind {
    FM_PACK_CURSOR_NIL,
    FM_PACK_CURSOR_BOOL,     /* number: 0 or 1 */
    FM_PACK_CURSOR_NUMBER,   /* number, whatever form it was sent in */
    FM_PACK_CURSOR_NEGATIVE, /* negative: below 0 */
    FM_PACK_CURSOR_REAL,     /* real */
    FM_PACK_CURSOR_TEXT,     /* bytes */
    FM_PACK_CURSOR_BYTES,    /* bytes */
    FM_PACK_CURSOR_LIST,     /* number of values that follow */
    FM_PACK_CURSOR_MAP,      /* number of pairs that follow */
};

struct fm_pack_token {
    enum fm_pack_cursor_kind kind;
    uint64_t number;
    int64_t negative;
    double real;
    struct fm_slice bytes; /* borrowed */
};

struct fm_pack_cursor {
    const unsigned char *at;
    size_t left;
};

struct fm_pack_cursor fm_pack_cursor_of(struct fm_slice bytes);
/* Takes one value's head, and the bytes of a text. False: cut short, over-declared, or an ext. */
bool fm_pack_cursor_next(struct fm_pack_cursor *cursor, struct fm_pack_token *token);
/* Takes one whole value of at most `depth` nested lists and maps, and checks the maps' keys. */
bool fm_pack_cursor_skip(struct fm_pack_cursor *cursor, unsigned depth);

#endif
