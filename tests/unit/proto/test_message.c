/* Every message there and back, and who may send what. */
#include "tests/unit/common/unit.h"

#include "proto/message.h"
#include "tests/unit/proto/records.h"

struct message_row {
    enum fm_message_type type;
    unsigned senders;
    const char *name;
    const struct fm_record *record;
};

static const struct message_row all_messages[] = {
#define FM_MESSAGE(number, NAME, tag, senders, descriptors, prose)                                 \
    {FM_MESSAGE_##NAME, senders, #NAME, &fm_record_##tag},
#include "proto/messages.def"
#undef FM_MESSAGE
};

#define HOSTILE(text) ((struct fm_slice){text, sizeof(text) - 1})

static struct fm_slice slice_of(const struct fm_text *text)
{
    return (struct fm_slice){text->data, text->length};
}

static unsigned a_sender(unsigned senders)
{
    return senders & -senders;
}

/* False when the message would not fit a frame. */
static bool there_and_back(const struct message_row *row, enum records_extreme extreme,
                           size_t most_items)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_message in;
    struct fm_message out;
    struct fm_error err = {0};
    fm_message_init(&in, row->type);
    memcpy(&in.hello, records_make(row->record, extreme, most_items, &arena), row->record->size);
    fm_text_append(&frame, "before");
    if (!fm_message_encode(&in, &frame, &err)) {
        assert_int_equal(err.code, FM_PROTOCOL);
        assert_string_equal(fm_text_get(&frame), "before");
        return false;
    }
    struct fm_slice bytes = {frame.data + 6, frame.length - 6};
    if (!fm_message_decode(bytes, a_sender(row->senders), &out, &err)) {
        fail_msg("%s: %s", row->name, err.detail);
    }
    assert_int_equal(out.type, row->type);
    assert_true(records_equal(row->record, &in.hello, &out.hello));
    fm_message_done(&out);
    return true;
}

static void every_message_comes_back_as_it_was_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(all_messages); i++) {
        size_t most_items = FM_PACK_LIMIT;
        assert_true(there_and_back(&all_messages[i], RECORDS_DEFAULT, 0));
        while (!there_and_back(&all_messages[i], RECORDS_MOST, most_items)) {
            most_items /= 2;
            assert_true(most_items > 0);
        }
    }
}

static void a_new_message_stands_at_its_defaults(void **state)
{
    (void)state;
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_JOB);
    assert_int_equal(message.job.time_ms, 86400000);
    assert_int_equal(message.job.max_source_bytes, 2147483648);
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    assert_true(message.progress.percent < 0);
    assert_null(message.progress.source);
    fm_message_done(&message);
    fm_message_done(&message);
}

static void an_empty_message_is_three_bytes(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_message message;
    struct fm_error err = {0};
    fm_message_init(&message, FM_MESSAGE_READY);
    assert_true(fm_message_encode(&message, &frame, &err));
    assert_int_equal(frame.length, 3);
    assert_memory_equal(frame.data, "\x92\x20\x80", 3);
}

static void each_message_has_its_name_and_number_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(all_messages); i++) {
        assert_string_equal(fm_message_name(all_messages[i].type), all_messages[i].name);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(all_messages[i].type, all_messages[j].type);
        }
    }
    assert_string_equal(fm_message_name((enum fm_message_type)99), "?");
    assert_int_equal(fm_message_descriptors((enum fm_message_type)99), 0);
    assert_int_equal(fm_message_descriptors(FM_MESSAGE_WORK), 17);
    assert_int_equal(fm_message_descriptors(FM_MESSAGE_SOURCE), 1);
    assert_int_equal(fm_message_descriptors(FM_MESSAGE_HELLO), 0);
}

static void only_its_senders_may_send_a_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(all_messages); i++) {
        char frame[] = {(char)0x92, (char)all_messages[i].type, (char)0x80};
        for (unsigned sender = FM_FROM_BROKER; sender <= FM_FROM_MEDIA; sender <<= 1) {
            struct fm_message message;
            struct fm_error err = {0};
            bool may = (all_messages[i].senders & sender) != 0;
            struct fm_slice bytes = {frame, sizeof(frame)};
            assert_int_equal(fm_message_decode(bytes, sender, &message, &err), may);
            assert_int_equal(err.code, may ? FM_NONE : FM_PROTOCOL);
            assert_string_not_equal(err.param, "type");
        }
    }
}

static void assert_refused(struct fm_slice frame, const char *param)
{
    struct fm_message message;
    struct fm_error err = {0};
    assert_false(fm_message_decode(frame, FM_FROM_WORKER, &message, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    assert_string_equal(err.param, param);
}

static void an_unknown_number_is_told_apart(void **state)
{
    (void)state;
    assert_refused(HOSTILE("\x92\x00\x80"), "type");
    assert_refused(HOSTILE("\x92\x7f\x80"), "type");
    assert_refused(HOSTILE("\x92\xcf\x80\x00\x00\x00\x00\x00\x00\x01\x80"), "type");
    assert_refused(HOSTILE("\x92\x7f\xc0"), "type");
}

static void a_frame_is_a_number_and_a_map_and_nothing_more(void **state)
{
    (void)state;
    assert_refused(HOSTILE(""), "");
    assert_refused(HOSTILE("\x92\x01"), "");
    assert_refused(HOSTILE("\x92\x01\x80\x80"), "");
    assert_refused(HOSTILE("\x91\x01"), "");
    assert_refused(HOSTILE("\x93\x01\x80\x80"), "");
    assert_refused(HOSTILE("\x80"), "");
    assert_refused(HOSTILE("\x92\xa1"
                           "1\x80"),
                   "");
    assert_refused(HOSTILE("\x92\xff\x80"), "");
    assert_refused(HOSTILE("\x92\x01\x90"), "hello");
    assert_refused(HOSTILE("\x92\x01\xdf\xff\xff\xff\xff"), "");
}

static void a_field_out_of_its_row_is_named(void **state)
{
    (void)state;
    assert_refused(HOSTILE("\x92\x01\x81\xa7version\xce\x00\x01\x00\x00"), "version");
    assert_refused(HOSTILE("\x92\x01\x81\xa6leases\x91\x81\xa3job\xc4\x11"
                           "12345678901234567"),
                   "job");
}

static void a_message_above_64_kib_is_not_sent(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_message message;
    struct fm_error err = {0};
    fm_message_init(&message, FM_MESSAGE_FETCH);
    message.fetch.spec = (struct fm_slice){fm_arena_alloc(&arena, 65536), 65536};
    assert_false(fm_message_encode(&message, &frame, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    assert_int_equal(frame.length, 0);
}

static void every_byte_changed_is_taken_or_refused_but_never_trips(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_message in;
    struct fm_error err = {0};
    fm_message_init(&in, FM_MESSAGE_RESULT);
    memcpy(&in.result, records_make(&fm_record_result, RECORDS_LEAST, 1, &arena),
           sizeof(in.result));
    assert_true(fm_message_encode(&in, &frame, &err));
    for (size_t i = 0; i < frame.length; i++) {
        for (unsigned byte = 0; byte < 256; byte += 3) {
            struct fm_message out;
            char before = frame.data[i];
            frame.data[i] = (char)byte;
            if (fm_message_decode(slice_of(&frame), FM_FROM_WORKER, &out, &err)) {
                fm_message_done(&out);
            }
            frame.data[i] = before;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was_sent),
        cmocka_unit_test(a_new_message_stands_at_its_defaults),
        cmocka_unit_test(an_empty_message_is_three_bytes),
        cmocka_unit_test(each_message_has_its_name_and_number_alone),
        cmocka_unit_test(only_its_senders_may_send_a_message),
        cmocka_unit_test(an_unknown_number_is_told_apart),
        cmocka_unit_test(a_frame_is_a_number_and_a_map_and_nothing_more),
        cmocka_unit_test(a_field_out_of_its_row_is_named),
        cmocka_unit_test(a_message_above_64_kib_is_not_sent),
        cmocka_unit_test(every_byte_changed_is_taken_or_refused_but_never_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
