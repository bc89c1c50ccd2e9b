/*
 * Reads MessagePack one value at a time, without allocating. Used only inside proto (pack_read.c,
 * message.c). Every declared length and count is checked against the bytes that are left before it
 * is used, so hostile bytes cost no more than their own length.
 * Threads: any; no shared state.
 */
#ifndef FM_PROTO_PACK_CURSOR_H
#define FM_PROTO_PACK_CURSOR_H

#include "common/text.h"

enum fm_pack_cursor_kind {
    FM_PACK_CURSOR_NIL,
    FM_PACK_CURSOR_BOOL,     /* number: 0 or 1 */
    FM_PACK_CURSOR_NUMBER,   /* number: an integer from 0, in any of the integer forms */
    FM_PACK_CURSOR_NEGATIVE, /* negative: an integer below 0 */
    FM_PACK_CURSOR_REAL,     /* real */
    FM_PACK_CURSOR_TEXT,     /* bytes */
    FM_PACK_CURSOR_BYTES,    /* bytes */
    FM_PACK_CURSOR_LIST,     /* number: how many values follow */
    FM_PACK_CURSOR_MAP,      /* number: how many pairs follow */
};

struct fm_pack_token {
    enum fm_pack_cursor_kind kind;
    uint64_t number;
    int64_t negative;
    double real;
    struct fm_slice bytes; /* borrowed from what the cursor reads */
};

struct fm_pack_cursor {
    const unsigned char *at;
    size_t left;
};

struct fm_pack_cursor fm_pack_cursor_of(struct fm_slice bytes);
/* Takes the head of one value, and the bytes of a TEXT or BYTES; the values of a LIST or MAP are
 * taken by further calls. False at the end, and if the value is cut short, declares more than is
 * left, or is an ext type. */
bool fm_pack_cursor_next(struct fm_pack_cursor *cursor, struct fm_pack_token *token);
/* Takes one whole value with at most `depth` levels of lists and maps, and checks that the keys of
 * each map are distinct short texts. */
bool fm_pack_cursor_skip(struct fm_pack_cursor *cursor, unsigned depth);

#endif
