/*
 * Reads records by their tables. fm_pack_check has walked the bytes before, so they are well-formed
 * here; each value is checked against its field's kind and range and copied into the arena.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "proto/pack.h"
#include "proto/pack_cursor.h"

/* The most arena memory that one record may take. No table of ours comes near it. It guards tables
 * to come: an empty map in a list is one byte on the wire, but a whole struct in memory. */
#define ARENA_LIMIT ((size_t)FM_PACK_LIMIT * 16)

struct reader {
    struct fm_pack_cursor cursor;
    struct fm_arena *arena;
    size_t arena_limit; /* on the arena's used_bytes, which may start above 0 */
    struct fm_error *err;
};

/* Fills `place` with the value that `token` heads; lists and maps read their rest by the cursor. */
typedef bool read_function(struct reader *reader, const struct fm_field *field,
                           const struct fm_pack_token *token, void *place);

bool fm_pack_refuse(struct fm_error *err, const char *param, const char *why)
{
    fm_fail(err, FM_PROTOCOL, "%s: %s", param, why);
    if (err != NULL) {
        snprintf(err->param, sizeof(err->param), "%s", param);
    }
    return false;
}

bool fm_pack_check(struct fm_slice bytes, struct fm_error *err)
{
    if (bytes.length > FM_PACK_LIMIT) {
        return fm_fail(err, FM_PROTOCOL, "%zu bytes are too many", bytes.length);
    }
    struct fm_pack_cursor cursor = fm_pack_cursor_of(bytes);
    if (!fm_pack_cursor_skip(&cursor, FM_PACK_DEPTH)) {
        size_t offset = bytes.length - cursor.left;
        return fm_fail(err, FM_PROTOCOL, "no value within the limits: byte %zu", offset);
    }
    if (cursor.left > 0) {
        return fm_fail(err, FM_PROTOCOL, "%zu bytes too many behind the value", cursor.left);
    }
    return true;
}

/* Memory of the arena; NULL, with the error set, if the record would pass the arena's limit. */
static void *take(struct reader *reader, const struct fm_field *field, size_t size)
{
    if (size > reader->arena_limit || reader->arena->used_bytes > reader->arena_limit - size) {
        fm_pack_refuse(reader->err, field->name, "the record takes too much memory");
        return NULL;
    }
    return fm_arena_alloc(reader->arena, size);
}

/* A default may lie below `min`, as 0 for "not given". Numbers between the two are accepted: stored
 * specs may have them from a time when the minimum for clients was lower. */
static bool is_within(const struct fm_field *field, uint64_t number)
{
    bool is_any = field->max < 0;
    double least = fmin(field->min, field->standard);
    return number >= (uint64_t)least && (is_any || number <= (uint64_t)field->max);
}

static bool read_number(struct reader *reader, const struct fm_field *field,
                        const struct fm_pack_token *token, void *place)
{
    if (token->kind != FM_PACK_CURSOR_NUMBER || !is_within(field, token->number)) {
        return fm_pack_refuse(reader->err, field->name, "no number in range");
    }
    *(uint64_t *)place = token->number;
    return true;
}

static bool read_signed(struct reader *reader, const struct fm_field *field,
                        const struct fm_pack_token *token, void *place)
{
    bool is_negative = token->kind == FM_PACK_CURSOR_NEGATIVE;
    bool is_number = token->kind == FM_PACK_CURSOR_NUMBER && token->number <= INT64_MAX;
    int64_t value = is_negative ? token->negative : (int64_t)token->number;
    if ((!is_negative && !is_number) || value < (int64_t)field->min ||
        value > (int64_t)field->max) {
        return fm_pack_refuse(reader->err, field->name, "no whole number in range");
    }
    *(int64_t *)place = value;
    return true;
}

/* Accepts integers too, because other writers pack 5.0 as 5. */
static bool read_real(struct reader *reader, const struct fm_field *field,
                      const struct fm_pack_token *token, void *place)
{
    double value = token->kind == FM_PACK_CURSOR_REAL       ? token->real
                   : token->kind == FM_PACK_CURSOR_NUMBER   ? (double)token->number
                   : token->kind == FM_PACK_CURSOR_NEGATIVE ? (double)token->negative
                                                            : NAN;
    if (!isfinite(value) || value < field->min || value > field->max) {
        return fm_pack_refuse(reader->err, field->name, "no real number in range");
    }
    *(double *)place = value;
    return true;
}

static bool read_bool(struct reader *reader, const struct fm_field *field,
                      const struct fm_pack_token *token, void *place)
{
    if (token->kind != FM_PACK_CURSOR_BOOL) {
        return fm_pack_refuse(reader->err, field->name, "neither true nor false");
    }
    *(bool *)place = token->number != 0;
    return true;
}

static bool read_enum(struct reader *reader, const struct fm_field *field,
                      const struct fm_pack_token *token, void *place)
{
    size_t count = 0;
    while (field->names[count] != NULL) {
        count++;
    }
    if (token->kind != FM_PACK_CURSOR_NUMBER || token->number >= count) {
        return fm_pack_refuse(reader->err, field->name, "none of its names");
    }
    *(uint64_t *)place = token->number;
    return true;
}

static bool read_text(struct reader *reader, const struct fm_field *field,
                      const struct fm_pack_token *token, void *place)
{
    if (token->kind != FM_PACK_CURSOR_TEXT || !is_within(field, token->bytes.length) ||
        !fm_utf8_is_valid(token->bytes, FM_UTF8_TAB_LF | FM_UTF8_C1)) {
        return fm_pack_refuse(reader->err, field->name, "no clean text of its length");
    }
    /* The NUL is there already: the arena gives zeroed memory. */
    char *copy = take(reader, field, token->bytes.length + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, token->bytes.data, token->bytes.length);
    *(const char **)place = copy;
    return true;
}

static bool read_bytes(struct reader *reader, const struct fm_field *field,
                       const struct fm_pack_token *token, void *place)
{
    if (token->kind != FM_PACK_CURSOR_BYTES || !is_within(field, token->bytes.length)) {
        return fm_pack_refuse(reader->err, field->name, "no bytes of its length");
    }
    char *copy = take(reader, field, token->bytes.length);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, token->bytes.data, token->bytes.length);
    *(struct fm_slice *)place = (struct fm_slice){copy, token->bytes.length};
    return true;
}

static bool read_pairs(struct reader *reader, const struct fm_record *record, uint64_t count,
                       void *out);

static bool read_sub(struct reader *reader, const struct fm_field *field,
                     const struct fm_pack_token *token, void *place)
{
    if (token->kind != FM_PACK_CURSOR_MAP) {
        return fm_pack_refuse(reader->err, field->name, "no map");
    }
    void *sub = take(reader, field, field->record->size);
    if (sub == NULL || !read_pairs(reader, field->record, token->number, sub)) {
        return false;
    }
    memcpy(place, &sub, sizeof(sub));
    return true;
}

static bool read_item(struct reader *reader, const struct fm_field *field, void *item)
{
    struct fm_pack_token token;
    if (!fm_pack_cursor_next(&reader->cursor, &token) || token.kind != FM_PACK_CURSOR_MAP) {
        return fm_pack_refuse(reader->err, field->name, "no list of maps");
    }
    return read_pairs(reader, field->record, token.number, item);
}

static bool read_list(struct reader *reader, const struct fm_field *field,
                      const struct fm_pack_token *token, void *place)
{
    if (token->kind != FM_PACK_CURSOR_LIST || !is_within(field, token->number)) {
        return fm_pack_refuse(reader->err, field->name, "no list of its length");
    }
    struct fm_list list = {.count = (size_t)token->number};
    list.items = list.count == 0 ? NULL : take(reader, field, list.count * field->record->size);
    if (list.items == NULL && list.count > 0) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!read_item(reader, field, (char *)list.items + i * field->record->size)) {
            return false;
        }
    }
    *(struct fm_list *)place = list;
    return true;
}

static read_function *const readers[] = {
    [FM_FIELD_NUMBER] = read_number, [FM_FIELD_SIGNED] = read_signed, [FM_FIELD_REAL] = read_real,
    [FM_FIELD_BOOL] = read_bool,     [FM_FIELD_ENUM] = read_enum,     [FM_FIELD_TEXT] = read_text,
    [FM_FIELD_BYTES] = read_bytes,   [FM_FIELD_RECORD] = read_sub,    [FM_FIELD_LIST] = read_list,
};

static const struct fm_field *find(const struct fm_record *record, struct fm_slice name)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (fm_slice_equals(name, record->fields[i].name)) {
            return &record->fields[i];
        }
    }
    return NULL;
}

/* The key was found to be a text by fm_pack_check, so its kind is not checked again. */
static bool read_pair(struct reader *reader, const struct fm_record *record, void *out)
{
    struct fm_pack_token token;
    if (!fm_pack_cursor_next(&reader->cursor, &token)) {
        return fm_pack_refuse(reader->err, record->name, "cut short");
    }
    const struct fm_field *field = find(record, token.bytes);
    if (field == NULL) { /* from a newer peer: skipped */
        return fm_pack_cursor_skip(&reader->cursor, FM_PACK_DEPTH) ||
               fm_pack_refuse(reader->err, record->name, "cut short");
    }
    if (!fm_pack_cursor_next(&reader->cursor, &token)) {
        return fm_pack_refuse(reader->err, field->name, "cut short");
    }
    return readers[field->kind](reader, field, &token, (char *)out + field->offset);
}

static bool read_pairs(struct reader *reader, const struct fm_record *record, uint64_t count,
                       void *out)
{
    fm_pack_defaults(record, out);
    for (uint64_t i = 0; i < count; i++) {
        if (!read_pair(reader, record, out)) {
            return false;
        }
    }
    return true;
}

bool fm_pack_read(const struct fm_record *record, struct fm_slice bytes, struct fm_arena *arena,
                  void *out, struct fm_error *err)
{
    struct fm_pack_token token;
    struct reader reader = {fm_pack_cursor_of(bytes), arena, arena->used_bytes + ARENA_LIMIT, err};
    if (!fm_pack_check(bytes, err)) {
        return false;
    }
    if (!fm_pack_cursor_next(&reader.cursor, &token) || token.kind != FM_PACK_CURSOR_MAP) {
        return fm_pack_refuse(err, record->name, "no map");
    }
    return read_pairs(&reader, record, token.number, out);
}
