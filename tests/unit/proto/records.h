/*
 * Records made and compared by their tables alone, so that a row added to a .def is tested, and
 * seeded for the fuzzers, without a line more.
 */
#ifndef FM_TESTS_UNIT_PROTO_RECORDS_H
#define FM_TESTS_UNIT_PROTO_RECORDS_H

#include <string.h>

#include "proto/pack.h"

/* How far a field goes: its default, the least or the most its row allows. */
enum records_extreme { RECORDS_DEFAULT, RECORDS_LEAST, RECORDS_MOST };

static void *records_make(const struct fm_record *record, enum records_extreme extreme,
                          size_t most_items, struct fm_arena *arena);

static inline size_t records_count_names(const struct fm_field *field)
{
    size_t count = 0;
    while (field->names[count] != NULL) {
        count++;
    }
    return count;
}

static inline struct fm_slice records_bytes(size_t length, struct fm_arena *arena)
{
    char *bytes = fm_arena_alloc(arena, length + 1);
    memset(bytes, 'a', length);
    return (struct fm_slice){bytes, length};
}

static inline struct fm_list records_list(const struct fm_field *field,
                                          enum records_extreme extreme, size_t count,
                                          struct fm_arena *arena)
{
    struct fm_list list = {fm_arena_alloc(arena, count * field->record->size), count};
    for (size_t i = 0; i < count; i++) {
        memcpy((char *)list.items + i * field->record->size,
               records_make(field->record, extreme, count, arena), field->record->size);
    }
    return list;
}

static inline void records_set(const struct fm_field *field, enum records_extreme extreme,
                               size_t most_items, struct fm_arena *arena, void *place)
{
    bool is_most = extreme == RECORDS_MOST;
    size_t length = is_most ? (size_t)field->max : 0;
    uint64_t most = field->max < 0 ? UINT64_MAX : (uint64_t)field->max;
    const void *sub = NULL;
    switch (field->kind) {
    case FM_FIELD_NUMBER:
        *(uint64_t *)place = is_most ? most : (uint64_t)field->min;
        return;
    case FM_FIELD_SIGNED:
        *(int64_t *)place = (int64_t)(is_most ? field->max : field->min);
        return;
    case FM_FIELD_REAL:
        *(double *)place = is_most ? field->max : field->min;
        return;
    case FM_FIELD_BOOL:
        *(bool *)place = is_most;
        return;
    case FM_FIELD_ENUM:
        *(uint64_t *)place = is_most ? records_count_names(field) - 1 : 0;
        return;
    case FM_FIELD_TEXT:
        *(const char **)place = records_bytes(length, arena).data;
        return;
    case FM_FIELD_BYTES:
        *(struct fm_slice *)place = records_bytes(length, arena);
        return;
    case FM_FIELD_RECORD:
        sub = records_make(field->record, extreme, most_items, arena);
        memcpy(place, &sub, sizeof(sub));
        return;
    case FM_FIELD_LIST:
        length = (size_t)field->max < most_items ? (size_t)field->max : most_items;
        *(struct fm_list *)place = records_list(field, extreme, is_most ? length : 1, arena);
        return;
    }
}

/* Lists get `most_items` at most, so that the most of everything can still fit a frame. */
static inline void *records_make(const struct fm_record *record, enum records_extreme extreme,
                                 size_t most_items, struct fm_arena *arena)
{
    char *made = fm_arena_alloc(arena, record->size);
    fm_pack_defaults(record, made);
    for (size_t i = 0; extreme != RECORDS_DEFAULT && i < record->field_count; i++) {
        const struct fm_field *field = &record->fields[i];
        records_set(field, extreme, most_items, arena, made + field->offset);
    }
    return made;
}

static bool records_equal(const struct fm_record *record, const void *a, const void *b);

static inline const void *records_pointer(const void *place)
{
    const void *pointer = NULL;
    memcpy(&pointer, place, sizeof(pointer));
    return pointer;
}

static inline bool records_lists_equal(const struct fm_field *field, const struct fm_list *a,
                                       const struct fm_list *b)
{
    bool is_equal = a->count == b->count;
    for (size_t i = 0; is_equal && i < a->count; i++) {
        size_t offset = i * field->record->size;
        const char *items = a->items;
        const char *others = b->items;
        is_equal = records_equal(field->record, items + offset, others + offset);
    }
    return is_equal;
}

static inline bool records_values_equal(const struct fm_field *field, const void *a, const void *b)
{
    const struct fm_slice *bytes = a;
    const struct fm_slice *others = b;
    switch (field->kind) {
    case FM_FIELD_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case FM_FIELD_BYTES:
        return bytes->length == others->length &&
               (bytes->length == 0 || memcmp(bytes->data, others->data, bytes->length) == 0);
    case FM_FIELD_LIST:
        return records_lists_equal(field, a, b);
    case FM_FIELD_TEXT:
    case FM_FIELD_RECORD:
        break;
    default:
        return memcmp(a, b, sizeof(uint64_t)) == 0;
    }
    const void *first = records_pointer(a);
    const void *second = records_pointer(b);
    if (first == NULL || second == NULL) {
        return first == second;
    }
    return field->kind == FM_FIELD_TEXT ? strcmp(first, second) == 0
                                        : records_equal(field->record, first, second);
}

static inline bool records_equal(const struct fm_record *record, const void *a, const void *b)
{
    bool is_equal = true;
    for (size_t i = 0; is_equal && i < record->field_count; i++) {
        const struct fm_field *field = &record->fields[i];
        is_equal = records_values_equal(field, (const char *)a + field->offset,
                                        (const char *)b + field->offset);
    }
    return is_equal;
}

#endif
