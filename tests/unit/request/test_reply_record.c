#include "tests/unit/common/unit.h"

#include "broker/request/reply_record.h"
#include "proto/spec.h"

static const char *const names[] = {"one", "two", NULL};

#include "broker/request/reply_struct.h"

#include "tests/unit/request/example_reply.def"

#include "broker/request/reply_undef.h"

#include "broker/request/reply_table.h"

#include "tests/unit/request/example_reply.def"

#include "broker/request/reply_undef.h"

static void every_member_is_written_in_the_tables_order(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    struct fm_reply_part parts[] = {{.number = 1}, {.number = 2}};
    struct fm_spec_pair pairs[] = {{.name = "a", .value = "b"}, {.name = "c"}};
    static const char *const words[] = {"x", "y", NULL};
    const struct fm_reply_whole whole = {
        .id = {{0x01, 0x93}},
        .text = "t\"",
        .name = "two",
        .made_at = INT64_C(1800000000000000),
        .count = 0,
        .share = 0.25,
        .done = true,
        .part = &parts[1],
        .parts = {parts, 2},
        .words = words,
        .pairs = {pairs, 2},
        .rows = {"[{}]", 4},
    };
    fm_reply_write_whole(&whole, &out);
    assert_string_equal(
        out.data,
        "{\"object\":\"whole\",\"id\":\"job_01jc0000000000000000000000\",\"text\":\"t\\\"\","
        "\"name\":\"two\",\"made_at\":\"2027-01-15T08:00:00.000Z\",\"count\":0,"
        "\"share\":0.25,\"done\":true,\"part\":{\"number\":2},"
        "\"parts\":[{\"number\":1},{\"number\":2}],\"words\":[\"x\",\"y\"],"
        "\"pairs\":{\"a\":\"b\",\"c\":\"\"},\"rows\":[{}]}");
}

static void what_is_unknown_is_null_or_absent_as_the_row_says(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    const struct fm_reply_whole whole = {
        .count = FM_REPLY_UNKNOWN,
        .share = fm_reply_known(1, false),
        .rows = {"[]", 2},
    };
    fm_reply_write_whole(&whole, &out);
    assert_string_equal(out.data,
                        "{\"object\":\"whole\",\"id\":null,\"text\":null,\"made_at\":null,"
                        "\"share\":null,\"done\":false,\"part\":null,\"parts\":[],"
                        "\"words\":[],\"pairs\":{},\"rows\":[]}");
}

static void an_object_is_appended_to_what_stands_there(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    fm_text_append(&out, "[");
    fm_reply_write_part(&(const struct fm_reply_part){.number = -1}, &out);
    assert_string_equal(out.data, "[{\"number\":-1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_written_in_the_tables_order),
        cmocka_unit_test(what_is_unknown_is_null_or_absent_as_the_row_says),
        cmocka_unit_test(an_object_is_appended_to_what_stands_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
