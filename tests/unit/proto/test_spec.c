/* What a request may say beyond its ranges, and which slot it takes. */
#include "tests/unit/common/unit.h"

#include "proto/spec.h"
#include "tests/unit/proto/records.h"

/* A spec that passes, with room for two of everything. */
struct fixture {
    struct fm_spec spec;
    struct fm_spec_output outputs[2];
    struct fm_spec_header headers[2];
    struct fm_spec_pair pairs[2];
};

static void begin(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    fm_pack_defaults(&fm_record_spec, &fixture->spec);
    fixture->spec.url = "https://example.com/a.mp4";
    fixture->spec.outputs.items = fixture->outputs;
    fixture->spec.headers.items = fixture->headers;
    fixture->spec.metadata.items = fixture->pairs;
    for (size_t i = 0; i < 2; i++) {
        fm_pack_defaults(&fm_record_spec_output, &fixture->outputs[i]);
        fixture->outputs[i].name = i == 0 ? "video" : "sound";
        fixture->headers[i] = (struct fm_spec_header){"Referer", "https://example.com/"};
        fixture->pairs[i] = (struct fm_spec_pair){"order", "17"};
    }
}

/* What reading the packed spec says: NULL, or the parameter at fault. */
static const char *fault_of(const struct fm_spec *spec)
{
    static struct fm_error err;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_spec out;
    err = (struct fm_error){0};
    assert_true(fm_spec_write(spec, &bytes, &err));
    struct fm_slice packed = {bytes.data, bytes.length};
    if (fm_spec_read(packed, &arena, &out, &err)) {
        assert_true(records_equal(&fm_record_spec, spec, &out));
        return NULL;
    }
    assert_int_equal(err.code, FM_PROTOCOL);
    assert_false(fm_spec_read(packed, &arena, &out, NULL));
    return err.param;
}

static void a_full_spec_comes_back(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    const struct fm_spec_video video = {.codec = FM_CODEC_H264, .crf = 20, .height = 720};
    fixture.outputs[0].video = &video;
    fixture.spec.outputs.count = 2;
    fixture.spec.headers.count = 2;
    fixture.spec.metadata.count = 2;
    fixture.spec.run_at_ms = 1790000000000;
    assert_null(fault_of(&fixture.spec));
}

static void a_spec_needs_an_http_url(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL,
                                      "",
                                      "ftp://example.com/",
                                      "file:///etc/passwd",
                                      "HTTP://example.com/",
                                      "https:/example.com",
                                      "http://example.com/a b",
                                      "http://example.com/\nHost: x"};
    for (size_t i = 0; i < FM_COUNT(bad); i++) {
        struct fixture fixture;
        begin(&fixture);
        fixture.spec.url = bad[i];
        assert_string_equal(fault_of(&fixture.spec), "url");
    }
    struct fixture fixture;
    begin(&fixture);
    fixture.spec.url = "http://example.com/";
    assert_null(fault_of(&fixture.spec));
}

static void an_output_name_is_lower_case_and_safe(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-a", "_a", "A", "a.b", "a/b", "..", "a ", "ä", "a\n"};
    char name[66];
    memset(name, 'a', sizeof(name));
    name[65] = '\0';
    assert_false(fm_spec_is_output_name(name));
    name[64] = '\0';
    assert_true(fm_spec_is_output_name(name));
    assert_true(fm_spec_is_output_name("0"));
    assert_true(fm_spec_is_output_name("video_720-p"));
    for (size_t i = 0; i < FM_COUNT(bad); i++) {
        struct fixture fixture;
        begin(&fixture);
        assert_false(fm_spec_is_output_name(bad[i]));
        fixture.outputs[0].name = bad[i];
        fixture.spec.outputs.count = 1;
        assert_string_equal(fault_of(&fixture.spec), "name");
    }
}

static void output_names_are_there_and_unique(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    fixture.spec.outputs.count = 2;
    assert_null(fault_of(&fixture.spec));
    fixture.outputs[1].name = "video";
    assert_string_equal(fault_of(&fixture.spec), "name");
    fixture.outputs[1].name = NULL;
    assert_string_equal(fault_of(&fixture.spec), "name");
}

static void a_copy_stands_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    fixture.outputs[0].format = FM_FORMAT_COPY;
    fixture.spec.outputs.count = 1;
    assert_null(fault_of(&fixture.spec));
    fixture.spec.outputs.count = 2;
    assert_string_equal(fault_of(&fixture.spec), "outputs");
}

static void a_site_is_a_row(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    fixture.spec.site = FM_SITE_COUNT - 1;
    assert_null(fault_of(&fixture.spec));
    fixture.spec.site = FM_SITE_COUNT;
    assert_string_equal(fault_of(&fixture.spec), "site");
}

static void a_header_is_one_line(void **state)
{
    (void)state;
    static const struct fm_spec_header bad[] = {{NULL, "x"},      {"A", NULL},      {"", "x"},
                                                {"A B", "x"},     {"A:", "x"},      {"A\n", "x"},
                                                {"A", "x\nB: y"}, {"\xc3\xa4", "x"}};
    for (size_t i = 0; i < FM_COUNT(bad); i++) {
        struct fixture fixture;
        begin(&fixture);
        fixture.headers[1] = bad[i];
        fixture.spec.headers.count = 2;
        assert_string_equal(fault_of(&fixture.spec), "headers");
    }
}

/* A job that was accepted before a bound was drawn is still read, and shown. */
static void what_clients_may_no_longer_ask_is_still_read(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    const struct fm_spec_video video = {.bitrate = 1, .preset = "quickly"};
    const struct fm_spec_audio audio = {.bitrate = 1, .sample_rate = 7};
    fixture.outputs[0].video = &video;
    fixture.outputs[0].audio = &audio;
    fixture.spec.outputs.count = 1;
    assert_null(fault_of(&fixture.spec));
}

static void metadata_has_names_and_values(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    fixture.pairs[0].value = "";
    fixture.spec.metadata.count = 1;
    assert_null(fault_of(&fixture.spec));
    fixture.pairs[0].value = NULL;
    assert_string_equal(fault_of(&fixture.spec), "metadata");
    fixture.pairs[0] = (struct fm_spec_pair){NULL, "v"};
    assert_string_equal(fault_of(&fixture.spec), "metadata");
}

static void a_spec_above_32_kib_is_refused_both_ways(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_error err = {0};
    struct fm_spec out;
    const struct fm_spec *spec = records_make(&fm_record_spec, RECORDS_MOST, 20, &arena);
    fm_text_append(&bytes, "kept");
    assert_false(fm_spec_write(spec, &bytes, &err));
    assert_int_equal(err.code, FM_INVALID_REQUEST);
    assert_string_equal(fm_text_get(&bytes), "kept");
    fm_text_clear(&bytes);
    fm_pack_write(&fm_record_spec, spec, &bytes);
    struct fm_slice packed = {bytes.data, bytes.length};
    assert_false(fm_spec_read(packed, &arena, &out, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
}

struct class_case {
    enum fm_format format;
    enum fm_codec video, audio;
    enum fm_class class;
};

static void only_what_may_encode_takes_a_cpu_slot(void **state)
{
    (void)state;
    static const struct class_case cases[] = {
        {FM_FORMAT_COPY, FM_CODEC_AUTO, FM_CODEC_AUTO, FM_CLASS_NET},
        {FM_FORMAT_MP4, FM_CODEC_AUTO, FM_CODEC_AUTO, FM_CLASS_CPU},
        {FM_FORMAT_MP4, FM_CODEC_COPY, FM_CODEC_COPY, FM_CLASS_NET},
        {FM_FORMAT_MP4, FM_CODEC_COPY, FM_CODEC_NONE, FM_CLASS_NET},
        {FM_FORMAT_MP4, FM_CODEC_COPY, FM_CODEC_AUTO, FM_CLASS_CPU},
        {FM_FORMAT_MP4, FM_CODEC_H264, FM_CODEC_NONE, FM_CLASS_CPU},
        {FM_FORMAT_MP3, FM_CODEC_AUTO, FM_CODEC_AUTO, FM_CLASS_CPU},
        {FM_FORMAT_MP3, FM_CODEC_AUTO, FM_CODEC_COPY, FM_CLASS_NET},
        {FM_FORMAT_JPG, FM_CODEC_AUTO, FM_CODEC_AUTO, FM_CLASS_CPU},
    };
    for (size_t i = 0; i < FM_COUNT(cases); i++) {
        struct fixture fixture;
        begin(&fixture);
        const struct fm_spec_video video = {.codec = cases[i].video};
        const struct fm_spec_audio audio = {.codec = cases[i].audio};
        fixture.outputs[0].format = cases[i].format;
        fixture.outputs[0].video = &video;
        fixture.outputs[0].audio = &audio;
        fixture.spec.outputs.count = 1;
        assert_int_equal(fm_spec_class(&fixture.spec), cases[i].class);
    }
}

static void one_encode_among_remuxes_takes_a_cpu_slot(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    const struct fm_spec_video video = {.codec = FM_CODEC_COPY};
    const struct fm_spec_audio audio = {.codec = FM_CODEC_COPY};
    fixture.outputs[0].video = &video;
    fixture.outputs[0].audio = &audio;
    fixture.spec.outputs.count = 1;
    assert_int_equal(fm_spec_class(&fixture.spec), FM_CLASS_NET);
    fixture.spec.outputs.count = 2;
    assert_int_equal(fm_spec_class(&fixture.spec), FM_CLASS_CPU);
    assert_string_equal(fm_spec_output_at(&fixture.spec, 1)->name, "sound");
}

static void a_fetch_without_outputs_is_a_copy(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    assert_true(fm_spec_is_copy(&fixture.spec));
    assert_int_equal(fm_spec_class(&fixture.spec), FM_CLASS_NET);
    fixture.spec.outputs.count = 1;
    assert_false(fm_spec_is_copy(&fixture.spec));
    fixture.outputs[0].format = FM_FORMAT_COPY;
    assert_true(fm_spec_is_copy(&fixture.spec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_spec_comes_back),
        cmocka_unit_test(a_spec_needs_an_http_url),
        cmocka_unit_test(an_output_name_is_lower_case_and_safe),
        cmocka_unit_test(output_names_are_there_and_unique),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(a_site_is_a_row),
        cmocka_unit_test(a_header_is_one_line),
        cmocka_unit_test(what_clients_may_no_longer_ask_is_still_read),
        cmocka_unit_test(metadata_has_names_and_values),
        cmocka_unit_test(a_spec_above_32_kib_is_refused_both_ways),
        cmocka_unit_test(only_what_may_encode_takes_a_cpu_slot),
        cmocka_unit_test(one_encode_among_remuxes_takes_a_cpu_slot),
        cmocka_unit_test(a_fetch_without_outputs_is_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
