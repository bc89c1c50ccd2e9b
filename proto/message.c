/*
 * The rows of messages.def as tables, and the frame around a record: an array of two, the message's
 * number and the record's map.
 */
#include "proto/message.h"

#include <assert.h>
#include <string.h>

#include "proto/pack_cursor.h"

#include "proto/record_table.h"

#include "proto/messages.def"

#include "proto/record_undef.h"

#define HEAD_OF_TWO 0x92  /* MessagePack's head of an array of two */
#define NUMBER_LIMIT 0x7f /* up to here MessagePack writes a number as that one byte */

struct row {
    enum fm_message_type type;
    const char *name;
    const struct fm_record *record;
    unsigned senders, descriptors;
};

static const struct row rows[] = {
#define FM_MESSAGE(number, NAME, tag, senders, descriptors, prose)                                 \
    {FM_MESSAGE_##NAME, #NAME, &fm_record_##tag, senders, descriptors},
#include "proto/messages.def"
#undef FM_MESSAGE
};

#define FM_MESSAGE(number, NAME, tag, senders, descriptors, prose)                                 \
    static_assert((number) <= NUMBER_LIMIT, "a message's number is one byte");
#include "proto/messages.def"
#undef FM_MESSAGE

static const struct row *find(uint64_t number)
{
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        if ((uint64_t)rows[i].type == number) {
            return &rows[i];
        }
    }
    return NULL;
}

void fm_message_init(struct fm_message *message, enum fm_message_type type)
{
    const struct row *row = find(type);
    assert(row != NULL);
    memset(message, 0, sizeof(*message));
    message->type = type;
    /* `hello` for any type, because every member starts at the union's address. */
    fm_pack_defaults(row->record, &message->hello);
}

void fm_message_done(struct fm_message *message)
{
    fm_arena_done(&message->arena);
}

const char *fm_message_name(enum fm_message_type type)
{
    const struct row *row = find(type);
    return row != NULL ? row->name : "?";
}

unsigned fm_message_descriptors(enum fm_message_type type)
{
    const struct row *row = find(type);
    return row != NULL ? row->descriptors : 0;
}

/* Removes what was appended, so that a failure leaves the text as it was. */
static void shorten(struct fm_text *text, size_t length)
{
    text->length = length;
    text->data[length] = '\0';
}

bool fm_message_encode(const struct fm_message *message, struct fm_text *frame,
                       struct fm_error *err)
{
    const struct row *row = find(message->type);
    assert(row != NULL);
    size_t start = frame->length;
    const unsigned char head[] = {HEAD_OF_TWO, (unsigned char)row->type};
    fm_text_append_bytes(frame, head, sizeof(head));
    fm_pack_write(row->record, &message->hello, frame);
    size_t length = frame->length - start;
    if (length > FM_PACK_LIMIT) {
        shorten(frame, start);
        return fm_fail(err, FM_PROTOCOL, "%s of %zu bytes is too long", row->name, length);
    }
    return true;
}

/* The row of the frame's number, with `cursor` moved to the record's map; NULL, with err set, if
 * there is none. */
static const struct row *take_row(struct fm_pack_cursor *cursor, struct fm_error *err)
{
    struct fm_pack_token token;
    if (!fm_pack_cursor_next(cursor, &token) || token.kind != FM_PACK_CURSOR_LIST ||
        token.number != 2 || !fm_pack_cursor_next(cursor, &token) ||
        token.kind != FM_PACK_CURSOR_NUMBER) {
        fm_fail(err, FM_PROTOCOL, "the frame is no number and record");
        return NULL;
    }
    const struct row *row = find(token.number);
    if (row == NULL) {
        fm_pack_refuse(err, "type", "unknown");
    }
    return row;
}

bool fm_message_decode(struct fm_slice frame, unsigned sender, struct fm_message *message,
                       struct fm_error *err)
{
    struct fm_pack_cursor cursor = fm_pack_cursor_of(frame);
    memset(message, 0, sizeof(*message));
    /* The whole frame is walked first: a malformed one is refused whatever its number. */
    if (!fm_pack_check(frame, err)) {
        return false;
    }
    const struct row *row = take_row(&cursor, err);
    if (row == NULL) {
        return false;
    }
    if ((row->senders & sender) == 0) {
        return fm_fail(err, FM_PROTOCOL, "%s is not for this sender to send", row->name);
    }
    struct fm_slice record = {(const char *)cursor.at, cursor.left};
    message->type = row->type;
    if (!fm_pack_read(row->record, record, &message->arena, &message->hello, err)) {
        fm_message_done(message);
        return false;
    }
    return true;
}
