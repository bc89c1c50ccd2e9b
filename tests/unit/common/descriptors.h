/* Leaves this process without a free descriptor for a while, for tests of what happens then. */
#ifndef FM_TESTS_UNIT_COMMON_DESCRIPTORS_H
#define FM_TESTS_UNIT_COMMON_DESCRIPTORS_H

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/common/unit.h"

#define DESCRIPTORS_MAX 128 /* more than a test program has open */

struct descriptors {
    struct rlimit normal;
    int opened[DESCRIPTORS_MAX];
    size_t count;
};

static inline void descriptors_use_up(struct descriptors *descriptors)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors->normal), 0);
    const struct rlimit low = {DESCRIPTORS_MAX, descriptors->normal.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int fd;
    descriptors->count = 0;
    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        descriptors->opened[descriptors->count++] = fd;
    }
}

static inline void descriptors_release(struct descriptors *descriptors)
{
    while (descriptors->count > 0) {
        close(descriptors->opened[--descriptors->count]);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors->normal), 0);
}

#endif
