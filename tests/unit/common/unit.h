/* What every unit test of this room includes: cmocka and the headers it wants before itself. */
#ifndef FM_TESTS_UNIT_COMMON_UNIT_H
#define FM_TESTS_UNIT_COMMON_UNIT_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The analyzer does not know that a failed assertion of cmocka never returns. */
#ifdef __clang_analyzer__
#undef assert_non_null
#define assert_non_null(pointer)                                                                   \
    do {                                                                                           \
        if (!(pointer)) {                                                                          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#endif

#endif
