/* Every record of every table there and back, and each kind of field held to its row. */
#include "tests/unit/common/unit.h"

#include <math.h>

#include "proto/message.h"
#include "proto/spec.h"
#include "tests/unit/proto/records.h"

#define HOSTILE(text) ((struct fm_slice){text, sizeof(text) - 1})

static const struct fm_record *const all_records[] = {
#define FM_RECORD(tag, prose) &fm_record_##tag,
#define FM_NUMBER(...)
#define FM_SIGNED(...)
#define FM_REAL(...)
#define FM_BOOL(...)
#define FM_ENUM(...)
#define FM_TEXT(...)
#define FM_WORD(...)
#define FM_BYTES(...)
#define FM_SUB(...)
#define FM_LIST(...)
#define FM_RECORD_END(tag)
#include "proto/messages.def"

#include "proto/spec.def"

#include "proto/record_undef.h"
};

/* A record of every kind, for what the real tables happen not to have. */
struct fm_inner {
    const char *text;
};
struct fm_every {
    uint64_t number, any, choice;
    int64_t whole;
    double real;
    bool flag;
    const char *text;
    struct fm_slice bytes;
    const struct fm_inner *sub;
    struct fm_list list;
};
#define NAMES_OF_CHOICE fm_names_choice
static const char *const fm_names_choice[] = {"a", "b", NULL};
static const struct fm_field fields_inner[] = {
    {FM_FIELD_TEXT, "text", offsetof(struct fm_inner, text), 0, 4, 0, NULL, NULL, "", NULL},
};
static const struct fm_record record_inner = {"inner", sizeof(struct fm_inner), fields_inner, 1};
#define ROW(kind, name, min, max, standard, sub, names)                                            \
    FM_ROW(FM_FIELD_##kind, #name, offsetof(struct fm_every, name), min, max, standard, sub,       \
           names, "", NULL)
static const struct fm_field fields_every[] = {
    ROW(NUMBER, number, 3, 9, 5, NULL, NULL),
    ROW(NUMBER, any, 0, -1, 0, NULL, NULL),
    ROW(ENUM, choice, 0, 0, 1, NULL, NAMES_OF_CHOICE),
    ROW(SIGNED, whole, -10, 10, -2, NULL, NULL),
    ROW(REAL, real, -1, 100, -1, NULL, NULL),
    ROW(BOOL, flag, 0, 1, true, NULL, NULL),
    ROW(TEXT, text, 0, 5, 0, NULL, NULL),
    ROW(BYTES, bytes, 0, 3, 0, NULL, NULL),
    ROW(RECORD, sub, 0, 1, 0, &record_inner, NULL),
    ROW(LIST, list, 0, 2, 0, &record_inner, NULL),
};
static const struct fm_record record_every = {"every", sizeof(struct fm_every), fields_every,
                                              FM_COUNT(fields_every)};

static struct fm_slice slice_of(const struct fm_text *text)
{
    return (struct fm_slice){text->data, text->length};
}

/* A map of one pair: the key, then the value's bytes. */
static bool reads(const char *key, struct fm_slice value, struct fm_every *out,
                  struct fm_arena *arena, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    fm_text_append_char(&bytes, (char)0x81);
    fm_text_append_char(&bytes, (char)(0xa0 | strlen(key)));
    fm_text_append(&bytes, key);
    fm_text_append_bytes(&bytes, value.data, value.length);
    return fm_pack_read(&record_every, slice_of(&bytes), arena, out, err);
}

static void assert_taken(const char *key, struct fm_slice value)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_every out;
    struct fm_error err = {0};
    if (!reads(key, value, &out, &arena, &err)) {
        fail_msg("%s: %s", key, err.detail);
    }
}

static void assert_refused(const char *key, struct fm_slice value)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_every out;
    struct fm_error err = {0};
    if (reads(key, value, &out, &arena, &err)) {
        fail_msg("%s was taken", key);
    }
    assert_int_equal(err.code, FM_PROTOCOL);
    assert_string_equal(err.param, key);
    assert_string_equal(err.message, "");
    assert_false(reads(key, value, &out, &arena, NULL));
}

/* Makes, packs, reads and compares; the length packed, 0 when it would not fit a frame. */
static size_t there_and_back(const struct fm_record *record, enum records_extreme extreme,
                             size_t most_items)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_error err = {0};
    void *in = records_make(record, extreme, most_items, &arena);
    void *out = fm_arena_alloc(&arena, record->size);
    fm_pack_write(record, in, &bytes);
    if (bytes.length > FM_PACK_LIMIT) {
        assert_false(fm_pack_read(record, slice_of(&bytes), &arena, out, &err));
        return 0;
    }
    if (!fm_pack_read(record, slice_of(&bytes), &arena, out, &err)) {
        fail_msg("%s: %s", record->name, err.detail);
    }
    if (extreme == RECORDS_LEAST) { /* Empty bytes are absent. */
        FM_AUTO(fm_text_done) struct fm_text again = {0};
        fm_pack_write(record, out, &again);
        assert_int_equal(again.length, bytes.length);
        assert_memory_equal(again.data, bytes.data, bytes.length);
    } else if (!records_equal(record, in, out)) {
        fail_msg("%s came back changed", record->name);
    }
    return bytes.length;
}

static void every_record_at_its_defaults_is_one_byte_and_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(all_records); i++) {
        assert_int_equal(there_and_back(all_records[i], RECORDS_DEFAULT, 0), 1);
    }
    assert_int_equal(there_and_back(&record_every, RECORDS_DEFAULT, 0), 1);
}

static void every_record_at_its_least_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(all_records); i++) {
        assert_int_not_equal(there_and_back(all_records[i], RECORDS_LEAST, 1), 0);
    }
    assert_int_not_equal(there_and_back(&record_every, RECORDS_LEAST, 1), 0);
}

static void every_record_at_its_most_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(all_records); i++) {
        size_t most_items = FM_PACK_LIMIT;
        while (there_and_back(all_records[i], RECORDS_MOST, most_items) == 0) {
            most_items /= 2;
            assert_true(most_items > 0);
        }
    }
    assert_int_not_equal(there_and_back(&record_every, RECORDS_MOST, 9), 0);
}

static void every_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(all_records); i++) {
        const struct fm_record *record = all_records[i];
        assert_true(record->field_count > 0 && record->field_count <= 64);
        for (size_t j = 0; j < record->field_count; j++) {
            const struct fm_field *field = &record->fields[j];
            assert_ptr_equal(fm_pack_field(record, field->name), field);
            assert_true(strlen(field->name) <= 64 && field->prose[0] != '\0');
            assert_true(field->kind != FM_FIELD_ENUM ||
                        field->standard < (double)records_count_names(field));
            assert_true(field->kind > FM_FIELD_REAL || field->min <= field->standard ||
                        (field->kind == FM_FIELD_NUMBER && field->standard <= 0));
            assert_true(field->kind > FM_FIELD_REAL || field->max < 0 ||
                        field->standard <= field->max);
        }
        assert_null(fm_pack_field(record, "no such field"));
    }
}

static void what_is_read_is_copied(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    char bytes[] = "\x82\xa4text\xa2hi\xa5"
                   "bytes\xc4\x02yo";
    struct fm_every out;
    struct fm_error err = {0};
    assert_true(fm_pack_read(&record_every, HOSTILE(bytes), &arena, &out, &err));
    memset(bytes, 0, sizeof(bytes));
    assert_string_equal(out.text, "hi");
    assert_true(fm_slice_equals(out.bytes, "yo"));
    assert_int_equal(out.number, 5);
    assert_int_equal(out.whole, -2);
    assert_true(out.flag);
}

static void numbers_keep_to_their_range(void **state)
{
    (void)state;
    assert_taken("number", HOSTILE("\x03"));
    assert_taken("number", HOSTILE("\xcf\0\0\0\0\0\0\0\x09"));
    assert_taken("number", HOSTILE("\xd1\0\x09"));
    assert_refused("number", HOSTILE("\x02"));
    assert_refused("number", HOSTILE("\x0a"));
    assert_refused("number", HOSTILE("\xff"));
    assert_refused("number", HOSTILE("\xcb\x40\x14\0\0\0\0\0\0"));
    assert_refused("number", HOSTILE("\xc0"));
    assert_refused("number", HOSTILE("\xc3"));
    assert_refused("number", HOSTILE("\xa1"
                                     "5"));
    assert_taken("any", HOSTILE("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_taken("whole", HOSTILE("\xf6"));
    assert_taken("whole", HOSTILE("\xd3\xff\xff\xff\xff\xff\xff\xff\xf6"));
    assert_taken("whole", HOSTILE("\x0a"));
    assert_refused("whole", HOSTILE("\xf5"));
    assert_refused("whole", HOSTILE("\x0b"));
    assert_refused("whole", HOSTILE("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_refused("whole", HOSTILE("\xd3\x80\0\0\0\0\0\0\0"));
    assert_taken("choice", HOSTILE("\0"));
    assert_refused("choice", HOSTILE("\x02"));
    assert_refused("choice", HOSTILE("\xa1"
                                     "a"));
}

static void reals_are_finite_and_in_range(void **state)
{
    (void)state;
    assert_taken("real", HOSTILE("\xcb\x40\x59\0\0\0\0\0\0")); /* 100 */
    assert_taken("real", HOSTILE("\xca\xbf\x80\0\0"));         /* -1 */
    assert_taken("real", HOSTILE("\x64"));
    assert_taken("real", HOSTILE("\xff"));
    assert_refused("real", HOSTILE("\xcb\x7f\xf0\0\0\0\0\0\0")); /* infinite */
    assert_refused("real", HOSTILE("\xcb\x7f\xf8\0\0\0\0\0\0")); /* not a number */
    assert_refused("real", HOSTILE("\xca\x7f\xc0\0\0"));
    assert_refused("real", HOSTILE("\x65"));
    assert_refused("real", HOSTILE("\xfe"));
    assert_refused("real", HOSTILE("\xc2"));
    assert_taken("flag", HOSTILE("\xc2"));
    assert_refused("flag", HOSTILE("\x01"));
    assert_refused("flag", HOSTILE("\xc0"));
}

static void a_text_is_short_and_clean_utf8(void **state)
{
    (void)state;
    assert_taken("text", HOSTILE("\xa0"));
    assert_taken("text", HOSTILE("\xa5\xf0\x9f\x8e\xac!"));
    assert_taken("text", HOSTILE("\xd9\x05 \t\n~}"));
    assert_refused("text", HOSTILE("\xa6"
                                   "123456"));
    assert_refused("text", HOSTILE("\xc4\x01"
                                   "b"));
    assert_refused("text", HOSTILE("\xa3x\0y"));
    assert_refused("text", HOSTILE("\xa1\r"));
    assert_refused("text", HOSTILE("\xa1\x1b"));
    assert_refused("text", HOSTILE("\xa1\x7f"));
    assert_refused("text", HOSTILE("\xa1\x80"));
    assert_refused("text", HOSTILE("\xa2\xc0\xaf"));         /* overlong */
    assert_refused("text", HOSTILE("\xa3\xe0\x80\xaf"));     /* overlong */
    assert_refused("text", HOSTILE("\xa3\xed\xa0\x80"));     /* a surrogate */
    assert_refused("text", HOSTILE("\xa4\xf4\x90\x80\x80")); /* above U+10FFFF */
    assert_refused("text", HOSTILE("\xa1\xc3"));             /* cut short */
    assert_refused("text", HOSTILE("\xa2\xc3x"));
    assert_refused("bytes", HOSTILE("\xc4\x04"
                                    "1234"));
    assert_refused("bytes", HOSTILE("\xa1"
                                    "b"));
}

static void lists_and_records_keep_to_their_shape(void **state)
{
    (void)state;
    assert_taken("sub", HOSTILE("\x80"));
    assert_taken("list", HOSTILE("\x90"));
    assert_taken("list", HOSTILE("\x92\x80\x81\xa4text\xa1z"));
    assert_refused("list", HOSTILE("\x93\x80\x80\x80"));
    assert_refused("list", HOSTILE("\x91\x01"));
    assert_refused("list", HOSTILE("\x80"));
    assert_refused("list", HOSTILE("\xc0"));
    assert_refused("sub", HOSTILE("\xc0"));
    assert_refused("sub", HOSTILE("\x90"));
}

static void an_unknown_name_is_skipped_whatever_it_holds(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_every out;
    struct fm_error err = {0};
    struct fm_slice bytes = HOSTILE("\x83\xa3new\x82\xa1"
                                    "a\x92\xc0\xcb\x7f\xf8\0\0\0\0\0\0\xa1"
                                    "b\xa1\xff\xa6number\x07\xa5"
                                    "newer\xc4\x01x");
    assert_true(fm_pack_read(&record_every, bytes, &arena, &out, &err));
    assert_int_equal(out.number, 7);
}

static void every_prefix_of_a_record_is_refused(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_every out;
    struct fm_error err = {0};
    void *in = records_make(&record_every, RECORDS_MOST, 2, &arena);
    fm_pack_write(&record_every, in, &bytes);
    for (size_t length = 0; length < bytes.length; length++) {
        struct fm_slice prefix = {bytes.data, length};
        assert_false(fm_pack_read(&record_every, prefix, &arena, &out, &err));
        assert_int_equal(err.code, FM_PROTOCOL);
    }
}

static void a_record_is_a_map(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_every out;
    struct fm_error err = {0};
    assert_false(fm_pack_read(&record_every, HOSTILE("\x90"), &arena, &out, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    assert_false(fm_pack_read(&record_every, HOSTILE("\xc0"), &arena, &out, &err));
}

/* Items of 4 KiB that are one byte on the wire. */
struct fm_large {
    const char *text;
    char room[4096];
};

static void a_list_may_not_cost_far_more_memory_than_bytes(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    const struct fm_record large = {"large", sizeof(struct fm_large), fields_inner, 1};
    const struct fm_field field = {FM_FIELD_LIST, "list", 0, 0, 60000, 0, &large, NULL, "", NULL};
    const struct fm_record record = {"greedy", sizeof(struct fm_list), &field, 1};
    struct fm_list out;
    struct fm_error err = {0};
    fm_text_append_bytes(&bytes, "\x81\xa4list\xdc\xea\x60", 9);
    for (size_t i = 0; i < 60000; i++) {
        fm_text_append_char(&bytes, (char)0x80);
    }
    assert_false(fm_pack_read(&record, slice_of(&bytes), &arena, &out, &err));
    assert_string_equal(err.param, "list");
    assert_int_equal(arena.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_at_its_defaults_is_one_byte_and_comes_back),
        cmocka_unit_test(every_record_at_its_least_comes_back),
        cmocka_unit_test(every_record_at_its_most_comes_back),
        cmocka_unit_test(every_table_is_sound),
        cmocka_unit_test(what_is_read_is_copied),
        cmocka_unit_test(numbers_keep_to_their_range),
        cmocka_unit_test(reals_are_finite_and_in_range),
        cmocka_unit_test(a_text_is_short_and_clean_utf8),
        cmocka_unit_test(lists_and_records_keep_to_their_shape),
        cmocka_unit_test(an_unknown_name_is_skipped_whatever_it_holds),
        cmocka_unit_test(every_prefix_of_a_record_is_refused),
        cmocka_unit_test(a_record_is_a_map),
        cmocka_unit_test(a_list_may_not_cost_far_more_memory_than_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
