/* Streams that would lose something in a remux are encoded: by the plan's reasons and the result.
 */
#include "tests/unit/media/run.h"

/* Makes one output of the source, which has this reason and passes its verification. */
static void assert_reason(const char *source, enum fm_format format, const char *reason)
{
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, format, "out");
    assert_made(&run, source);
    assert_string_equal(run.made[0].reason, reason);
}

static void a_stream_with_hidden_packets_is_encoded_where_the_format_cannot_hide_them(void **state)
{
    (void)state;
    static const enum fm_format formats[] = {FM_FORMAT_MKV, FM_FORMAT_WEBM, FM_FORMAT_OPUS};
    for (size_t i = 0; i < FM_COUNT(formats); i++) {
        FM_AUTO(run_done) struct run run = {0};
        add_output(&run, formats[i], "shown");
        assert_made(&run, formats[i] == FM_FORMAT_MKV ? "hidden.mp4" : "hidden_vp9.mp4");
        assert_float_equal(run.made[0].duration_seconds, 0.8, 0.08);
        if (run.made[0].video) {
            assert_int_equal(run.made[0].video->frames, 20);
        }
    }
    assert_reason("hidden.mp4", FM_FORMAT_MKV,
                  "video: transcode h264 to h264, the format cannot hide what the source hides; "
                  "audio: transcode aac to aac, the format cannot hide what the source hides");
}

static void a_stream_with_hidden_packets_is_remuxed_where_the_format_can_hide_them(void **state)
{
    (void)state;
    static const char remux[] = "video: remux, h264 fits; audio: remux, aac fits";
    assert_reason("hidden.mp4", FM_FORMAT_MP4, remux);
    assert_reason("hidden.mp4", FM_FORMAT_MOV, remux);
    assert_reason("hidden.mp4", FM_FORMAT_M4A, "audio: remux, aac fits");
    /* Samples that encoders put before the first are hidden too, and too short to matter. */
    assert_reason("film.mp4", FM_FORMAT_MKV, remux);
}

static void a_copy_that_would_show_hidden_packets_is_refused(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    run.videos[add_output(&run, FM_FORMAT_MKV, "bare.mkv")].codec = FM_CODEC_COPY;
    assert_false(run_pipeline(&run, "hidden.mp4"));
    assert_int_equal(run.err.code, FM_UNSUPPORTED_CODEC);
}

static void a_part_after_the_hidden_packets_is_remuxed(void **state)
{
    (void)state;
    struct fm_spec_trim part = {0.5, 0.7, FM_ACCURACY_KEYFRAME};
    FM_AUTO(run_done) struct run run = {0};
    run.outputs[add_output(&run, FM_FORMAT_MKV, "behind.mkv")].trim = &part;
    assert_made(&run, "hidden.mp4");
    assert_string_equal(run.made[0].reason, "video: remux, h264 fits; audio: remux, aac fits");
    part.start_seconds = 0.2;
    FM_AUTO(run_done) struct run other_run = {0};
    other_run.outputs[add_output(&other_run, FM_FORMAT_MKV, "partly.mkv")].trim = &part;
    assert_made(&other_run, "hidden.mp4");
    assert_non_null(strstr(other_run.made[0].reason, "video: transcode"));
    assert_float_equal(other_run.made[0].duration_seconds, 0.5, 0.08);
}

/* Its rotation is 0, and yet its matrix must not be lost. */
static void a_picture_upside_down_is_not_remuxed_without_its_matrix(void **state)
{
    (void)state;
    static const char flip[] = "\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\0\0\0"
                               "\0\0\0\0\0\xf0\0\0\x40\0\0";
    static const size_t matrix_at = 44; /* after the type: ISO/IEC 14496-12, 8.3.2 */
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    read_all("film.mp4", &bytes);
    char *header = memmem(bytes.data, bytes.length, "tkhd", 4);
    assert_non_null(header);
    memcpy(header + matrix_at, flip, sizeof(flip));
    write_file("flipped.mp4", bytes.data, bytes.length);
    assert_reason("flipped.mp4", FM_FORMAT_MKV,
                  "video: transcode h264 to h264, the format cannot store its rotation; "
                  "audio: remux, aac fits");
    assert_reason("flipped.mp4", FM_FORMAT_MP4, "video: remux, h264 fits; audio: remux, aac fits");
}

/* Most reordered frames of a program stream have no timestamp. */
static void a_program_stream_is_not_remuxed(void **state)
{
    (void)state;
    ffmpeg("-i film.mp4 -c:v mpeg1video -bf 2 -c:a mp2 program.mpg");
    assert_reason("program.mpg", FM_FORMAT_MKV,
                  "video: transcode mpeg1video to h264, the source lacks exact timestamps; "
                  "audio: transcode mp2 to aac, it does not fit the format");
}

static int make_films(void **state)
{
    if (make_film(state) != 0) {
        return -1;
    }
    ffmpeg("-i film.mp4 -c:v libx264 -preset ultrafast -bf 2 -g 40 -c:a copy keys.mp4");
    ffmpeg("-ss 1.2 -i keys.mp4 -c copy hidden.mp4");
    ffmpeg("-i film.mp4 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 75 -c:a libopus vp9.mp4");
    ffmpeg("-ss 1.2 -i vp9.mp4 -c copy hidden_vp9.mp4");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_with_hidden_packets_is_encoded_where_the_format_cannot_hide_them),
        cmocka_unit_test(a_stream_with_hidden_packets_is_remuxed_where_the_format_can_hide_them),
        cmocka_unit_test(a_copy_that_would_show_hidden_packets_is_refused),
        cmocka_unit_test(a_part_after_the_hidden_packets_is_remuxed),
        cmocka_unit_test(a_picture_upside_down_is_not_remuxed_without_its_matrix),
        cmocka_unit_test(a_program_stream_is_not_remuxed),
    };
    return cmocka_run_group_tests_name("loss", tests, make_films, remove_directory);
}
