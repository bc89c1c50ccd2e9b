/* Included by every unit test of worker/: cmocka, and a directory for the test's files. */
#ifndef FM_TESTS_UNIT_WORKER_UNIT_H
#define FM_TESTS_UNIT_WORKER_UNIT_H

#include "tests/unit/common/unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/text.h"

#define PATIENCE_MS 20000

/* Makes a directory for this test alone; remove_home removes it. */
static inline void make_home(char home[32])
{
    static const char pattern[] = "/tmp/fm-worker-XXXXXX";
    memcpy(home, pattern, sizeof(pattern));
    assert_non_null(mkdtemp(home));
}

static inline void remove_home(const char *home)
{
    struct fm_error err = {0};
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fm_file_remove_tree(fd, home + strlen("/tmp/"), &err));
    fm_file_close(&fd);
}

#endif
