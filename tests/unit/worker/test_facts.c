/* Tests how facts are put together from children's messages. */
#include "tests/unit/worker/unit.h"

#include "worker/facts.h"

static struct fm_spec spec_of(struct fm_spec_output *outputs, size_t count)
{
    struct fm_spec spec;
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.outputs = (struct fm_list){outputs, count};
    return spec;
}

static struct fm_spec_output output_of(const char *name, enum fm_format format)
{
    struct fm_spec_output output;
    fm_pack_defaults(&fm_record_spec_output, &output);
    output.name = name;
    output.format = format;
    return output;
}

static struct fm_source_facts source_of(const char *container, const char *extension)
{
    struct fm_source_facts source;
    fm_pack_defaults(&fm_record_source_facts, &source);
    source.container = container;
    source.extension = extension;
    return source;
}

static struct fm_file_facts file_of(const char *name)
{
    struct fm_file_facts file;
    fm_pack_defaults(&fm_record_file_facts, &file);
    file.name = name;
    return file;
}

static void what_media_found_replaces_what_the_server_reported(void **state)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_source_facts facts = source_of(NULL, NULL);
    struct fm_source_facts reported = source_of(NULL, "mp4");
    struct fm_source_facts found = source_of("mov,mp4,m4a", NULL);
    (void)state;
    reported.title = "first";
    reported.size_bytes = 10;
    found.title = "second";
    found.size_bytes = 20;
    found.duration_seconds = 3;
    fm_facts_add_source(&facts, &reported, &arena);
    fm_facts_add_source(&facts, &found, &arena);
    assert_string_equal(facts.title, "first");
    assert_string_equal(facts.extension, "mp4");
    assert_string_equal(facts.container, "mov,mp4,m4a");
    assert_int_equal(facts.size_bytes, 20);
    assert_true(facts.duration_seconds > 2.9);
}

static void a_copy_is_called_by_what_it_is(void **state)
{
    static const struct {
        const char *container, *extension, *made_extension, *type;
    } rows[] = {
        {"mov,mp4,m4a,3gp,3g2,mj2", NULL, "mp4", "video/mp4"},
        {"mov,mp4,m4a,3gp,3g2,mj2", "exe", "mp4", "video/mp4"},
        {"mov,mp4,m4a,3gp,3g2,mj2", "mov", "mov", "video/quicktime"},
        {"matroska,webm", "webm", "webm", "video/webm"},
        {"mpegts", "m2ts", "m2ts", "video/mp2t"},
        {"mp3", "mp3", "mp3", "audio/mpeg"},
        {NULL, "pdf", "pdf", "application/octet-stream"},
        {NULL, NULL, NULL, "application/octet-stream"},
    };
    const struct fm_spec spec = spec_of(NULL, 0);
    (void)state;
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        struct fm_source_facts source = source_of(rows[i].container, rows[i].extension);
        struct fm_file_facts file;
        fm_facts_of_copy(&spec, &source, &file);
        assert_string_equal(file.name, "source");
        assert_string_equal(file.content_type, rows[i].type);
        if (rows[i].made_extension == NULL) {
            assert_null(file.extension);
        } else {
            assert_string_equal(file.extension, rows[i].made_extension);
        }
    }
}

static void a_copy_of_sound_alone_is_a_sound_file(void **state)
{
    struct fm_source_facts source = source_of("mov,mp4,m4a,3gp,3g2,mj2", NULL);
    struct fm_audio_facts audio = {.codec = "aac"};
    struct fm_spec_output copy = output_of("original", FM_FORMAT_COPY);
    const struct fm_spec spec = spec_of(&copy, 1);
    struct fm_file_facts file;
    (void)state;
    source.audio = &audio;
    fm_facts_of_copy(&spec, &source, &file);
    assert_string_equal(file.name, "original");
    assert_string_equal(file.extension, "m4a");
    assert_string_equal(file.content_type, "audio/mp4");
}

static void an_output_is_named_by_its_spec_not_by_a_child(void **state)
{
    struct fm_spec_output outputs[] = {output_of("video", FM_FORMAT_MP4),
                                       output_of("cover", FM_FORMAT_JPG)};
    const struct fm_spec spec = spec_of(outputs, 2);
    struct fm_file_facts made[] = {file_of("video"), file_of(NULL)};
    struct fm_list files = {made, 2};
    struct fm_error err = {0};
    (void)state;
    made[0].content_type = "text/html";
    assert_true(fm_facts_name_outputs(&spec, &files, &err));
    assert_string_equal(made[0].content_type, "video/mp4");
    assert_string_equal(made[1].name, "cover");
    assert_string_equal(made[1].extension, "jpg");
    made[0].name = "other";
    assert_false(fm_facts_name_outputs(&spec, &files, &err));
    files.count = 1;
    assert_false(fm_facts_name_outputs(&spec, &files, &err));
}

static void a_delivered_file_has_its_name_and_digest(void **state)
{
    static const char digest[32] = "0123456789abcdef0123456789abcde";
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_file_facts made = file_of("video");
    struct fm_file_facts stored = file_of("video");
    struct fm_list files = {&made, 1};
    struct fm_list delivered = {&stored, 1};
    struct fm_error err = {0};
    (void)state;
    stored.size_bytes = 5;
    assert_false(fm_facts_add_delivered(&files, &delivered, &arena, &err));
    stored.sha256 = (struct fm_slice){digest, 32};
    assert_true(fm_facts_add_delivered(&files, &delivered, &arena, &err));
    assert_int_equal(made.size_bytes, 5);
    assert_memory_equal(made.sha256.data, digest, 32);
    stored.name = "other";
    assert_false(fm_facts_add_delivered(&files, &delivered, &arena, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_media_found_replaces_what_the_server_reported),
        cmocka_unit_test(a_copy_is_called_by_what_it_is),
        cmocka_unit_test(a_copy_of_sound_alone_is_a_sound_file),
        cmocka_unit_test(an_output_is_named_by_its_spec_not_by_a_child),
        cmocka_unit_test(a_delivered_file_has_its_name_and_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
