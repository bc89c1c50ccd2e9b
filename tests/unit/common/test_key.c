#include "tests/unit/common/unit.h"

#include "common/hash.h"
#include "common/key.h"
#include "common/memory.h"

static void a_new_key_is_well_formed_and_like_no_other(void **state)
{
    (void)state;
    char first[FM_KEY_SIZE], second[FM_KEY_SIZE];
    fm_key_new(first);
    fm_key_new(second);
    assert_int_equal(strlen(first), FM_KEY_LENGTH);
    assert_true(fm_key_is_formed(first));
    assert_true(fm_key_is_formed(second));
    assert_string_not_equal(first, second);
}

/* Over the 35 characters before it. */
static void the_checksum_is_zlibs_crc_in_base_62(void **state)
{
    (void)state;
    char key[FM_KEY_SIZE];
    uint32_t sum = fm_hash_crc32("sk_00000000000000000000000000000000", 35);
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    memcpy(key, "sk_00000000000000000000000000000000", 35);
    for (int i = 40; i >= 35; i--) {
        key[i] = alphabet[sum % 62];
        sum /= 62;
    }
    key[41] = '\0';
    assert_true(fm_key_is_formed(key));
}

static void a_mistyped_key_is_told_by_its_checksum(void **state)
{
    (void)state;
    char key[FM_KEY_SIZE];
    fm_key_new(key);
    for (size_t i = 0; i < FM_KEY_LENGTH; i++) {
        char kept = key[i];
        key[i] = kept == 'a' ? 'b' : 'a';
        assert_false(fm_key_is_formed(key));
        key[i] = kept;
    }
    static const char *const malformed[] = {"",
                                            "sk_",
                                            "sk_0",
                                            "pk_00000000000000000000000000000000000000",
                                            "sk_0000000000000000000000000000000000000000000",
                                            "sk_0000000000000000000000000000000000 000"};
    for (size_t i = 0; i < FM_COUNT(malformed); i++) {
        assert_false(fm_key_is_formed(malformed[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_is_well_formed_and_like_no_other),
        cmocka_unit_test(the_checksum_is_zlibs_crc_in_base_62),
        cmocka_unit_test(a_mistyped_key_is_told_by_its_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
