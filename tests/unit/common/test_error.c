#include "tests/unit/common/unit.h"

#include <errno.h>

#include "common/error.h"
#include "common/memory.h"

static const uint64_t wires[] = {
#define FM_ERROR(name, wire, http, code, retry, text) wire,
#include "common/error.def"
#undef FM_ERROR
};

static void a_failure_is_false_and_fills_code_and_detail(void **state)
{
    (void)state;
    struct fm_error err = {0};
    assert_false(fm_fail(&err, FM_DATABASE, "claim: %s", "gone"));
    assert_int_equal(err.code, FM_DATABASE);
    assert_string_equal(err.detail, "claim: gone");
    assert_string_equal(err.message, "");
    assert_false(fm_fail(NULL, FM_DATABASE, "nobody listens"));
}

static void a_detail_may_quote_the_detail_it_replaces(void **state)
{
    (void)state;
    struct fm_error err = {0};
    fm_fail(&err, FM_SYSTEM, "inner");
    fm_fail(&err, FM_INTERNAL, "outer: %s", err.detail);
    assert_string_equal(err.detail, "outer: inner");
}

static void a_long_detail_is_cut(void **state)
{
    (void)state;
    struct fm_error err = {0};
    fm_fail_param(&err, FM_INVALID_PARAMETER, "name", "%01000d", 1);
    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

static void a_full_disk_is_told_from_other_system_errors(void **state)
{
    (void)state;
    struct fm_error err = {0};
    errno = ENOSPC;
    assert_false(fm_fail_errno(&err, "write"));
    assert_int_equal(err.code, FM_RESOURCE_DISK);
    errno = EDQUOT;
    fm_fail_errno(&err, "write");
    assert_int_equal(err.code, FM_RESOURCE_DISK);
    errno = EIO;
    fm_fail_errno(&err, "write");
    assert_int_equal(err.code, FM_SYSTEM);
    assert_string_equal(err.detail, "write: Input/output error");
}

static void the_client_reads_the_message_else_the_rows_text(void **state)
{
    (void)state;
    struct fm_error err = {0};
    fm_fail(&err, FM_SYSTEM, "/secret/path");
    assert_string_equal(fm_error_text(&err), "Something went wrong on our side");
    fm_fail_param(&err, FM_INVALID_PARAMETER, "width", "width must be at least %d", 2);
    assert_string_equal(fm_error_text(&err), "width must be at least 2");
    assert_string_equal(err.param, "width");
    fm_fail_param(&err, FM_INVALID_PARAMETER, NULL, "no");
    assert_string_equal(err.param, "");
}

static void an_unknown_number_is_an_internal_error(void **state)
{
    (void)state;
    assert_int_equal(fm_error_from_wire(99999), FM_INTERNAL);
    assert_int_equal(fm_error_from_wire(UINT64_MAX), FM_INTERNAL);
    assert_int_equal(fm_error_from_wire(104), FM_SOURCE_TIMEOUT);
    assert_int_equal(fm_error_row(FM_NONE)->code, FM_INTERNAL);
    assert_string_equal(fm_error_row(FM_INVALID_TOKEN)->public_code, "invalid_token");
    assert_int_equal(fm_error_row(FM_INVALID_TOKEN)->http_status, 401);
    assert_int_equal(fm_error_row(FM_WORKER_LOST)->retry, FM_RETRY_NEVER);
}

static void no_wire_number_stands_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(wires); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(wires[i], wires[j]);
        }
        assert_int_equal(fm_error_from_wire(wires[i]), wires[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_false_and_fills_code_and_detail),
        cmocka_unit_test(a_detail_may_quote_the_detail_it_replaces),
        cmocka_unit_test(a_long_detail_is_cut),
        cmocka_unit_test(a_full_disk_is_told_from_other_system_errors),
        cmocka_unit_test(the_client_reads_the_message_else_the_rows_text),
        cmocka_unit_test(an_unknown_number_is_an_internal_error),
        cmocka_unit_test(no_wire_number_stands_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
