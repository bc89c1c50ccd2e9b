/* Runs the specs of tests/isolation on a cluster of their own. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/integration/world.h"

static void flushes_that_meet_leave_every_job_in_one_place(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof(command), "tests/isolation/run '%s'", world_postgres.url);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushes_that_meet_leave_every_job_in_one_place),
    };
    return cmocka_run_group_tests_name("isolation", tests, world_open, world_close);
}
