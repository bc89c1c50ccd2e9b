/*
 * Writes records. The only file that includes <msgpack.h>, and it uses only the library's packer,
 * whose bytes go straight into a text. Reading is pack_read.c on top of pack_cursor.c, because the
 * library's unpacker allocates whatever a peer declares.
 */
#include "proto/pack.h"

#include <msgpack.h>
#include <string.h>

static const void *place_in(const void *in, const struct fm_field *field)
{
    return (const char *)in + field->offset;
}

/* Copies a pointer member: reading a pointer to some record as a void * would break aliasing. */
static const void *pointer_in(const void *place)
{
    const void *pointer = NULL;
    memcpy(&pointer, place, sizeof(pointer));
    return pointer;
}

static void set_standard(const struct fm_field *field, void *place)
{
    switch (field->kind) {
    case FM_FIELD_NUMBER:
    case FM_FIELD_ENUM:
        *(uint64_t *)place = (uint64_t)field->standard;
        return;
    case FM_FIELD_SIGNED:
        *(int64_t *)place = (int64_t)field->standard;
        return;
    case FM_FIELD_REAL:
        *(double *)place = field->standard;
        return;
    case FM_FIELD_BOOL:
        *(bool *)place = field->standard > 0;
        return;
    case FM_FIELD_TEXT:
    case FM_FIELD_BYTES:
    case FM_FIELD_RECORD:
    case FM_FIELD_LIST:
        return; /* Absent is all zero, as memset left it. */
    }
}

void fm_pack_defaults(const struct fm_record *record, void *out)
{
    memset(out, 0, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        set_standard(&record->fields[i], (char *)out + record->fields[i].offset);
    }
}

const struct fm_field *fm_pack_field(const struct fm_record *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return &record->fields[i];
        }
    }
    return NULL;
}

static bool is_standard(const struct fm_field *field, const void *place)
{
    switch (field->kind) {
    case FM_FIELD_NUMBER:
    case FM_FIELD_ENUM:
        return *(const uint64_t *)place == (uint64_t)field->standard;
    case FM_FIELD_SIGNED:
        return *(const int64_t *)place == (int64_t)field->standard;
    case FM_FIELD_REAL:
        return *(const double *)place == field->standard;
    case FM_FIELD_BOOL:
        return *(const bool *)place == (field->standard > 0);
    case FM_FIELD_BYTES:
        return ((const struct fm_slice *)place)->length == 0;
    case FM_FIELD_LIST:
        return ((const struct fm_list *)place)->count == 0;
    case FM_FIELD_TEXT:
    case FM_FIELD_RECORD:
        return pointer_in(place) == NULL;
    }
    return true;
}

static void write_record(msgpack_packer *packer, const struct fm_record *record, const void *in);

static void write_list(msgpack_packer *packer, const struct fm_field *field,
                       const struct fm_list *list)
{
    msgpack_pack_array(packer, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const char *items = list->items;
        write_record(packer, field->record, items + i * field->record->size);
    }
}

static void write_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void write_value(msgpack_packer *packer, const struct fm_field *field, const void *place)
{
    const struct fm_slice *bytes = place; /* used by BYTES only */
    switch (field->kind) {
    case FM_FIELD_NUMBER:
    case FM_FIELD_ENUM:
        msgpack_pack_uint64(packer, *(const uint64_t *)place);
        return;
    case FM_FIELD_SIGNED:
        msgpack_pack_int64(packer, *(const int64_t *)place);
        return;
    case FM_FIELD_REAL:
        msgpack_pack_double(packer, *(const double *)place);
        return;
    case FM_FIELD_BOOL:
        *(const bool *)place ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        return;
    case FM_FIELD_TEXT:
        write_text(packer, pointer_in(place));
        return;
    case FM_FIELD_BYTES:
        msgpack_pack_bin_with_body(packer, bytes->data, bytes->length);
        return;
    case FM_FIELD_RECORD:
        write_record(packer, field->record, pointer_in(place));
        return;
    case FM_FIELD_LIST:
        write_list(packer, field, place);
        return;
    }
}

/* MessagePack puts the number of pairs first, so the fields that will be written are counted
 * before. */
static size_t count_present(const struct fm_record *record, const void *in)
{
    size_t count = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        count += is_standard(&record->fields[i], place_in(in, &record->fields[i])) ? 0 : 1;
    }
    return count;
}

static void write_record(msgpack_packer *packer, const struct fm_record *record, const void *in)
{
    msgpack_pack_map(packer, count_present(record, in));
    for (size_t i = 0; i < record->field_count; i++) {
        const struct fm_field *field = &record->fields[i];
        const void *place = place_in(in, field);
        if (!is_standard(field, place)) {
            write_text(packer, field->name);
            write_value(packer, field, place);
        }
    }
}

/* The packer's callback. Always 0, success: appending to a text aborts rather than fails. */
static int append(void *text, const char *bytes, size_t length)
{
    fm_text_append_bytes(text, bytes, length);
    return 0;
}

void fm_pack_write(const struct fm_record *record, const void *in, struct fm_text *out)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, append);
    write_record(&packer, record, in);
}
