/*
 * Walks MessagePack (the "Formats" table of its specification). A walker of our own, because five
 * hostile bytes can make the library's unpacker allocate hundreds of megabytes, while this one
 * allocates nothing: what a peer declares never costs more than the bytes it sent.
 */
#include "proto/pack_cursor.h"

#include <string.h>

#include "common/memory.h"

/* Bytes of a key and pairs of a map. Keys are field names, and no record of ours has as many
 * fields; the limit keeps the search for a duplicate key, which is quadratic, short. */
#define KEY_LIMIT 64
#define PAIR_LIMIT 64

/* The first bytes, from `first` to `last`, that encode a kind in one way. The value is the first
 * byte's bits under `mask`, or the big-endian `width` bytes after it. */
struct form {
    enum fm_pack_cursor_kind kind;
    unsigned char first, last, width, mask;
};

/* First bytes without a row (0xc1 and the ext types) are refused. The signed forms are NEGATIVE
 * here; interpret() turns those from 0 on into NUMBER. */
static const struct form forms[] = {
    {FM_PACK_CURSOR_NUMBER, 0x00, 0x7f, 0, 0x7f},   {FM_PACK_CURSOR_MAP, 0x80, 0x8f, 0, 0x0f},
    {FM_PACK_CURSOR_LIST, 0x90, 0x9f, 0, 0x0f},     {FM_PACK_CURSOR_TEXT, 0xa0, 0xbf, 0, 0x1f},
    {FM_PACK_CURSOR_NIL, 0xc0, 0xc0, 0, 0},         {FM_PACK_CURSOR_BOOL, 0xc2, 0xc3, 0, 1},
    {FM_PACK_CURSOR_BYTES, 0xc4, 0xc4, 1, 0},       {FM_PACK_CURSOR_BYTES, 0xc5, 0xc5, 2, 0},
    {FM_PACK_CURSOR_BYTES, 0xc6, 0xc6, 4, 0},       {FM_PACK_CURSOR_REAL, 0xca, 0xca, 4, 0},
    {FM_PACK_CURSOR_REAL, 0xcb, 0xcb, 8, 0},        {FM_PACK_CURSOR_NUMBER, 0xcc, 0xcc, 1, 0},
    {FM_PACK_CURSOR_NUMBER, 0xcd, 0xcd, 2, 0},      {FM_PACK_CURSOR_NUMBER, 0xce, 0xce, 4, 0},
    {FM_PACK_CURSOR_NUMBER, 0xcf, 0xcf, 8, 0},      {FM_PACK_CURSOR_NEGATIVE, 0xd0, 0xd0, 1, 0},
    {FM_PACK_CURSOR_NEGATIVE, 0xd1, 0xd1, 2, 0},    {FM_PACK_CURSOR_NEGATIVE, 0xd2, 0xd2, 4, 0},
    {FM_PACK_CURSOR_NEGATIVE, 0xd3, 0xd3, 8, 0},    {FM_PACK_CURSOR_TEXT, 0xd9, 0xd9, 1, 0},
    {FM_PACK_CURSOR_TEXT, 0xda, 0xda, 2, 0},        {FM_PACK_CURSOR_TEXT, 0xdb, 0xdb, 4, 0},
    {FM_PACK_CURSOR_LIST, 0xdc, 0xdc, 2, 0},        {FM_PACK_CURSOR_LIST, 0xdd, 0xdd, 4, 0},
    {FM_PACK_CURSOR_MAP, 0xde, 0xde, 2, 0},         {FM_PACK_CURSOR_MAP, 0xdf, 0xdf, 4, 0},
    {FM_PACK_CURSOR_NEGATIVE, 0xe0, 0xff, 0, 0xff},
};

struct fm_pack_cursor fm_pack_cursor_of(struct fm_slice bytes)
{
    return (struct fm_pack_cursor){(const unsigned char *)bytes.data, bytes.length};
}

static const struct form *form_of(unsigned char head)
{
    for (size_t i = 0; i < FM_COUNT(forms); i++) {
        if (head >= forms[i].first && head <= forms[i].last) {
            return &forms[i];
        }
    }
    return NULL;
}

static void advance(struct fm_pack_cursor *cursor, size_t length)
{
    cursor->at += length;
    cursor->left -= length;
}

static uint64_t take_big_endian(struct fm_pack_cursor *cursor, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value = value << 8 | cursor->at[i];
    }
    advance(cursor, width);
    return value;
}

/* Width 0 is a negative fixint, which is its own eight bits. */
static int64_t extend_sign(uint64_t value, unsigned width)
{
    unsigned unused = 64 - 8 * (width == 0 ? 1 : width);
    return (int64_t)(value << unused) >> unused;
}

static double real_of(uint64_t bits, unsigned width)
{
    double wide = 0;
    float narrow = 0;
    uint32_t low = (uint32_t)bits;
    memcpy(&wide, &bits, sizeof(wide));
    memcpy(&narrow, &low, sizeof(narrow));
    return width == sizeof(narrow) ? (double)narrow : wide;
}

static bool take_bytes(struct fm_pack_cursor *cursor, struct fm_pack_token *token)
{
    if (token->number > cursor->left) {
        return false;
    }
    token->bytes = (struct fm_slice){(const char *)cursor->at, (size_t)token->number};
    advance(cursor, token->bytes.length);
    return true;
}

/* Gives the bits in `number` their meaning by kind, and checks a declared length or count against
 * the bytes left. */
static bool interpret(struct fm_pack_cursor *cursor, unsigned width, struct fm_pack_token *token)
{
    switch (token->kind) {
    case FM_PACK_CURSOR_NEGATIVE:
        token->negative = extend_sign(token->number, width);
        token->kind = token->negative < 0 ? FM_PACK_CURSOR_NEGATIVE : FM_PACK_CURSOR_NUMBER;
        return true;
    case FM_PACK_CURSOR_REAL:
        token->real = real_of(token->number, width);
        return true;
    case FM_PACK_CURSOR_TEXT:
    case FM_PACK_CURSOR_BYTES:
        return take_bytes(cursor, token);
    case FM_PACK_CURSOR_LIST: /* Each value takes at least one byte, each pair two. */
        return token->number <= cursor->left;
    case FM_PACK_CURSOR_MAP:
        return token->number <= cursor->left / 2;
    default:
        return true;
    }
}

bool fm_pack_cursor_next(struct fm_pack_cursor *cursor, struct fm_pack_token *token)
{
    *token = (struct fm_pack_token){0};
    if (cursor->left == 0) {
        return false;
    }
    unsigned char head = *cursor->at;
    const struct form *form = form_of(head);
    if (form == NULL || form->width > cursor->left - 1) {
        return false;
    }
    advance(cursor, 1);
    token->kind = form->kind;
    token->number =
        form->width == 0 ? (uint64_t)(head & form->mask) : take_big_endian(cursor, form->width);
    return interpret(cursor, form->width, token);
}

static bool is_new(const struct fm_slice *keys, size_t count, struct fm_slice key)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].length == key.length && memcmp(keys[i].data, key.data, key.length) == 0) {
            return false;
        }
    }
    return true;
}

static bool skip_map(struct fm_pack_cursor *cursor, uint64_t count, unsigned depth)
{
    struct fm_slice keys[PAIR_LIMIT];
    struct fm_pack_token key;
    if (count > PAIR_LIMIT) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!fm_pack_cursor_next(cursor, &key) || key.kind != FM_PACK_CURSOR_TEXT ||
            key.bytes.length > KEY_LIMIT || !is_new(keys, i, key.bytes) ||
            !fm_pack_cursor_skip(cursor, depth)) {
            return false;
        }
        keys[i] = key.bytes;
    }
    return true;
}

static bool skip_list(struct fm_pack_cursor *cursor, uint64_t count, unsigned depth)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!fm_pack_cursor_skip(cursor, depth)) {
            return false;
        }
    }
    return true;
}

bool fm_pack_cursor_skip(struct fm_pack_cursor *cursor, unsigned depth)
{
    struct fm_pack_token token;
    if (!fm_pack_cursor_next(cursor, &token)) {
        return false;
    }
    if (token.kind == FM_PACK_CURSOR_LIST) {
        return depth > 0 && skip_list(cursor, token.number, depth - 1);
    }
    if (token.kind == FM_PACK_CURSOR_MAP) {
        return depth > 0 && skip_map(cursor, token.number, depth - 1);
    }
    return true;
}
