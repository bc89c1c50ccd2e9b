#include "tests/unit/common/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "broker/config/secrets.h"
#include "common/file.h"

static void secrets_are_made_once_and_private(void **state)
{
    char root[] = "/tmp/fm-secrets-XXXXXX";
    char directory[96], path[128];
    struct fm_secrets first = {0}, second = {0};
    struct fm_error err = {0};
    struct stat status;
    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(directory, sizeof directory, "%s/secrets", root);
    snprintf(path, sizeof path, "%s/key_pepper", directory);
    assert_true(fm_secrets_load(directory, &first, &err));
    assert_true(fm_secrets_load(directory, &second, &err));
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    chmod(path, 0644);
    assert_false(fm_secrets_load(directory, &second, &err));
    unlink(path); /* a lost file is never made anew beside the others */
    assert_false(fm_secrets_load(directory, &second, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_true(fm_file_remove_tree(-100, root, &err)); /* AT_FDCWD */
}

static void refuse_curve_key(const char *directory, const char *public_key, const char *secret_key)
{
    char path[128], text[96];
    struct fm_secrets secrets = {0};
    struct fm_error err = {0};
    snprintf(path, sizeof path, "%s/curve_key", directory);
    int length = snprintf(text, sizeof text, "%s %s\n", public_key, secret_key);
    struct fm_slice bytes = {text, (size_t)length};
    assert_true(fm_file_write(path, 0600, bytes, &err));
    assert_false(fm_secrets_load(directory, &secrets, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_string_equal(err.detail, "secret curve_key: malformed");
}

static void curve_keys_that_are_no_pair_are_refused(void **state)
{
    char root[] = "/tmp/fm-secrets-XXXXXX";
    char directory[96], damaged[41];
    struct fm_secrets secrets = {0};
    struct fm_error err = {0};
    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(directory, sizeof directory, "%s/secrets", root);
    assert_true(fm_secrets_load(directory, &secrets, &err));
    memcpy(damaged, secrets.curve_secret, sizeof damaged);
    damaged[7] = '~'; /* no digit of Z85 */
    refuse_curve_key(directory, secrets.curve_public, damaged);
    refuse_curve_key(directory, secrets.curve_public, "short");
    refuse_curve_key(directory, secrets.curve_secret, secrets.curve_public);
    assert_true(fm_file_remove_tree(-100, root, &err)); /* AT_FDCWD */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_made_once_and_private),
        cmocka_unit_test(curve_keys_that_are_no_pair_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
