/* Tests how slots are counted. */
#include "tests/unit/worker/unit.h"

#include "worker/slot.h"

static void a_job_takes_a_free_slot_of_its_class(void **state)
{
    struct fm_slots slots;
    (void)state;
    fm_slot_init(&slots, 1, 1);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_TAKEN);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_NONE);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_CPU), FM_SLOT_TAKEN);
    fm_slot_release(&slots, FM_CLASS_NET, false);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_TAKEN);
}

static void a_job_waits_in_hand_while_its_slot_is_being_killed(void **state)
{
    struct fm_slots slots;
    (void)state;
    fm_slot_init(&slots, 1, 0);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_TAKEN);
    fm_slot_mark_freeing(&slots, FM_CLASS_NET);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_IN_HAND);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_NONE);
    assert_false(fm_slot_start_in_hand(&slots, FM_CLASS_NET));
    fm_slot_release(&slots, FM_CLASS_NET, true);
    assert_true(fm_slot_start_in_hand(&slots, FM_CLASS_NET));
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_NONE);
}

static void a_job_in_hand_is_not_overtaken(void **state)
{
    struct fm_slots slots;
    (void)state;
    fm_slot_init(&slots, 1, 0);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_TAKEN);
    fm_slot_mark_freeing(&slots, FM_CLASS_NET);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_IN_HAND);
    fm_slot_release(&slots, FM_CLASS_NET, true);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_NONE);
    fm_slot_drop_in_hand(&slots, FM_CLASS_NET);
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_TAKEN);
}

static void every_place_has_its_bytes_of_the_disk(void **state)
{
    struct fm_slots slots;
    (void)state;
    fm_slot_init(&slots, 2, 1);
    slots.reserve_bytes = 100;
    assert_true(fm_slot_has_room(&slots, 100));
    assert_false(fm_slot_has_room(&slots, 99));
    assert_int_equal(fm_slot_take(&slots, FM_CLASS_NET), FM_SLOT_TAKEN);
    assert_false(fm_slot_has_room(&slots, 199));
    assert_true(fm_slot_has_room(&slots, 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_takes_a_free_slot_of_its_class),
        cmocka_unit_test(a_job_waits_in_hand_while_its_slot_is_being_killed),
        cmocka_unit_test(a_job_in_hand_is_not_overtaken),
        cmocka_unit_test(every_place_has_its_bytes_of_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
