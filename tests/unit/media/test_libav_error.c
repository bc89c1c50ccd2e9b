/* Each kind of libav error number becomes the error of ours that says whose fault it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* After the four above. */
#include <cmocka.h>

#include <errno.h>
#include <libavutil/error.h>
#include <string.h>

#include "common/memory.h"
#include "worker/media/libav_error.h"

static void libav_errors_become_ours(void **state)
{
    (void)state;
    static const struct {
        int averror;
        enum fm_error_code code;
    } rows[] = {
        {AVERROR_INVALIDDATA, FM_MEDIA_INVALID},
        {AVERROR(ENOMEM), FM_RESOURCE_MEMORY},
        {AVERROR(ENOSPC), FM_RESOURCE_DISK},
        {AVERROR(EFBIG), FM_RESOURCE_DISK},
        {AVERROR_DECODER_NOT_FOUND, FM_UNSUPPORTED_CODEC},
        {AVERROR_EOF, FM_MEDIA_INVALID},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        struct fm_error err = {0};
        assert_false(fm_libav_error_fail(&err, rows[i].averror, "decode"));
        assert_int_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.detail, "decode: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libav_errors_become_ours),
    };
    return cmocka_run_group_tests_name("libav_error", tests, NULL, NULL);
}
