#include "tests/unit/common/unit.h"

#include "common/hash.h"
#include "common/memory.h"

static void sha256_gives_the_published_digest(void **state)
{
    (void)state;
    uint8_t whole[FM_HASH_SIZE];
    uint8_t parts[FM_HASH_SIZE];
    char hex[FM_HASH_HEX_SIZE];
    fm_hash_sha256("abc", 3, whole);
    fm_hash_to_hex(whole, sizeof(whole), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    FM_AUTO(fm_hash_destroy) struct fm_hash *hash = fm_hash_new();
    fm_hash_update(hash, "a", 1);
    fm_hash_update(hash, "bc", 2);
    fm_hash_final(hash, parts);
    assert_true(fm_hash_equal(whole, parts, sizeof(whole)));
}

/* RFC 4231, test case 2, its key padded with zeros to 32 bytes: HMAC pads so itself. */
static void hmac_gives_the_published_tag(void **state)
{
    (void)state;
    uint8_t key[FM_HASH_SIZE] = "Jefe";
    uint8_t tag[FM_HASH_SIZE];
    char hex[FM_HASH_HEX_SIZE];
    fm_hash_hmac(key, "what do ya want for nothing?", 28, tag);
    fm_hash_to_hex(tag, sizeof(tag), hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void crc32_is_zlibs(void **state)
{
    (void)state;
    assert_int_equal(fm_hash_crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(fm_hash_crc32("", 0), 0);
}

static void hex_of_another_length_or_alphabet_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[4];
    assert_true(fm_hash_from_hex("00ffA0a0", bytes, 4));
    assert_int_equal(bytes[2], 0xa0);
    assert_false(fm_hash_from_hex("00ffA0", bytes, 4));
    assert_false(fm_hash_from_hex("00ffA0a0a0", bytes, 4));
    assert_false(fm_hash_from_hex("00ffA0ag", bytes, 4));
}

static void base64url_goes_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[70];
    uint8_t back[70];
    char text[4 * 70 / 3 + 2];
    fm_hash_random(bytes, sizeof(bytes));
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        fm_hash_to_base64url(bytes, length, text);
        assert_int_equal(fm_hash_from_base64url(text, back, sizeof(back)), length);
        assert_memory_equal(bytes, back, length);
    }
    fm_hash_to_base64url("\xfb\xff", 2, text);
    assert_string_equal(text, "-_8");
    assert_int_equal(fm_hash_from_base64url("-_8=", back, sizeof(back)), -1);
    assert_int_equal(fm_hash_from_base64url("+/8", back, sizeof(back)), -1);
    assert_int_equal(fm_hash_from_base64url("-_9", back, sizeof(back)), -1);
    assert_int_equal(fm_hash_from_base64url("AAAA", back, 2), -1);
}

static void random_numbers_stay_below_their_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_in_range(fm_hash_random_below(7), 0, 6);
    }
    assert_int_equal(fm_hash_random_below(1), 0);
}

static void a_password_matches_only_itself(void **state)
{
    (void)state;
    char stored[FM_HASH_PASSWORD_SIZE];
    fm_hash_password("correct horse", stored);
    assert_non_null(strstr(stored, "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_true(fm_hash_password_matches(stored, "correct horse"));
    assert_false(fm_hash_password_matches(stored, "correct horsf"));
    assert_false(fm_hash_password_matches("", "correct horse"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digest),
        cmocka_unit_test(hmac_gives_the_published_tag),
        cmocka_unit_test(crc32_is_zlibs),
        cmocka_unit_test(hex_of_another_length_or_alphabet_is_refused),
        cmocka_unit_test(base64url_goes_there_and_back),
        cmocka_unit_test(random_numbers_stay_below_their_limit),
        cmocka_unit_test(a_password_matches_only_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
