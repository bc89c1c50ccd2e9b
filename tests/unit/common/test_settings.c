#include "tests/unit/common/unit.h"

#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/settings.h"

struct example {
#define FM_SETTING(kind, name, standard, min, max, help) FM_SETTING_##kind(name)
#include "tests/unit/common/example_settings.def"
#undef FM_SETTING
};

static const struct fm_setting table[] = {
#define FM_SETTING(kind, name, standard, min, max, help)                                           \
    {FM_KIND_##kind, #name, offsetof(struct example, name), standard, min, max, help},
#include "tests/unit/common/example_settings.def"
#undef FM_SETTING
};

static struct example example;
static char *rest[8];
static size_t rest_count;
static struct fm_error err;
static char path[] = "/tmp/fm-test-settings-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static int forget(void **state)
{
    (void)state;
    fm_settings_done(table, FM_COUNT(table), &example);
    unsetenv("FETCHMEDIA_CPU_SLOTS");
    unsetenv("FETCHMEDIA_API_KEY");
    return 0;
}

/* Up to three arguments behind the program's name. */
static bool load(const char *file, const char *a, const char *b, const char *c)
{
    const char *arguments[] = {"program", a, b, c};
    char *argv[5] = {0};
    int argc = 0;
    while (argc < 4 && arguments[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)arguments[argc];
        argc++;
    }
    example = (struct example){0};
    err = (struct fm_error){0};
    struct fm_settings_arguments command = {argc, argv, rest, 0};
    bool is_good = fm_settings_load(table, FM_COUNT(table), &example, file, &command, &err);
    rest_count = command.rest_count;
    return is_good;
}

static const char *file_with(const char *text)
{
    assert_true(fm_file_write(path, 0600, fm_slice_of(text), NULL));
    return path;
}

static void defaults_stand_when_nothing_is_given(void **state)
{
    (void)state;
    assert_true(load(NULL, NULL, NULL, NULL));
    assert_string_equal(example.listen_on, "127.0.0.1:8080");
    assert_int_equal(example.cpu_slots, 2);
    assert_false(example.verbose);
    assert_string_equal(example.api_key, "");
    assert_int_equal(rest_count, 0);
}

static void argv_is_stronger_than_environment_than_file(void **state)
{
    (void)state;
    const char *file = file_with("# comment\n\n cpu-slots = 3 \r\nlisten_on=a = b\nverbose = on\n");
    assert_true(load(file, NULL, NULL, NULL));
    assert_int_equal(example.cpu_slots, 3);
    assert_string_equal(example.listen_on, "a = b");
    assert_true(example.verbose);
    forget(NULL);
    setenv("FETCHMEDIA_CPU_SLOTS", "4", 1);
    assert_true(load(file, NULL, NULL, NULL));
    assert_int_equal(example.cpu_slots, 4);
    fm_settings_done(table, FM_COUNT(table), &example);
    assert_true(load(file, "--cpu-slots", "5", NULL));
    assert_int_equal(example.cpu_slots, 5);
    fm_settings_done(table, FM_COUNT(table), &example);
    assert_true(load(file, "--cpu_slots=6", "--verbose=no", NULL));
    assert_int_equal(example.cpu_slots, 6);
    assert_false(example.verbose);
}

static void words_that_are_no_option_are_left(void **state)
{
    (void)state;
    assert_true(load(NULL, "run", "--verbose", "-x"));
    assert_int_equal(rest_count, 2);
    assert_string_equal(rest[0], "run");
    assert_string_equal(rest[1], "-x");
    assert_true(example.verbose);
    forget(NULL);
    assert_true(load(NULL, "--help", "--", "--unknown"));
    assert_int_equal(rest_count, 2);
    assert_string_equal(rest[0], "--help");
    assert_string_equal(rest[1], "--unknown");
}

static void an_unknown_name_is_answered_with_the_nearest(void **state)
{
    (void)state;
    assert_false(load(NULL, "--cpu-slot=1", NULL, NULL));
    assert_int_equal(err.code, FM_SETTING);
    assert_string_equal(err.message,
                        "There is no setting \"cpu_slot\"; did you mean \"cpu_slots\"?");
    assert_false(load(NULL, "--completely-else", NULL, NULL));
    assert_string_equal(err.message, "There is no setting \"completely_else\"");
    assert_false(load(file_with("verbos = 1\n"), NULL, NULL, NULL));
    assert_non_null(strstr(err.message, "verbose"));
    setenv("FETCHMEDIA_OTHER_PROGRAMS_NAME", "1", 1);
    assert_true(load(NULL, NULL, NULL, NULL));
    unsetenv("FETCHMEDIA_OTHER_PROGRAMS_NAME");
}

static void wrong_values_name_what_is_allowed(void **state)
{
    (void)state;
    assert_false(load(NULL, "--cpu-slots", "65", NULL));
    assert_string_equal(err.message, "cpu_slots must be a number from 1 to 64");
    assert_string_equal(err.param, "cpu_slots");
    assert_false(load(NULL, "--cpu-slots", NULL, NULL));
    assert_false(load(NULL, "--cpu-slots=", NULL, NULL));
    assert_false(load(NULL, "--listen-on=", NULL, NULL));
    assert_false(load(NULL, "--verbose=perhaps", NULL, NULL));
    assert_false(load(file_with("verbose\n"), NULL, NULL, NULL));
    assert_string_equal(err.message, "Line 1 of the settings file is not \"name = value\"");
    assert_false(load("/nonexistent/settings", NULL, NULL, NULL));
}

static void a_secret_is_never_taken_from_argv(void **state)
{
    (void)state;
    assert_false(load(NULL, "--api-key=sk_secret_value", NULL, NULL));
    assert_non_null(strstr(err.message, "secret"));
    assert_null(strstr(err.message, "sk_secret_value"));
    setenv("FETCHMEDIA_API_KEY", "short", 1);
    assert_false(load(NULL, NULL, NULL, NULL));
    assert_null(strstr(err.message, "short"));
    setenv("FETCHMEDIA_API_KEY", "sk_secret_value", 1);
    assert_true(load(NULL, NULL, NULL, NULL));
    assert_string_equal(example.api_key, "sk_secret_value");
}

static void help_has_a_paragraph_a_row(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_settings_help(table, FM_COUNT(table), &text);
    assert_string_equal(text.data, "  --listen-on TEXT, FETCHMEDIA_LISTEN_ON\n"
                                   "      Where to listen. [127.0.0.1:8080]\n"
                                   "  --cpu-slots NUMBER, FETCHMEDIA_CPU_SLOTS\n"
                                   "      Slots that encode. (1 to 64) [2]\n"
                                   "  --verbose, FETCHMEDIA_VERBOSE\n"
                                   "      Say more. [false]\n"
                                   "  FETCHMEDIA_API_KEY\n"
                                   "      The key.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(defaults_stand_when_nothing_is_given, forget),
        cmocka_unit_test_teardown(argv_is_stronger_than_environment_than_file, forget),
        cmocka_unit_test_teardown(words_that_are_no_option_are_left, forget),
        cmocka_unit_test_teardown(an_unknown_name_is_answered_with_the_nearest, forget),
        cmocka_unit_test_teardown(wrong_values_name_what_is_allowed, forget),
        cmocka_unit_test_teardown(a_secret_is_never_taken_from_argv, forget),
        cmocka_unit_test(help_has_a_paragraph_a_row),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
