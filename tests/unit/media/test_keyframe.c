/* Parts that are remuxed: where they begin, and which packets of each stream they contain. */
#include "tests/unit/media/run.h"

/* Remuxes a part of the source into one file, which passes its verification. */
static void remux_part(struct run *run, const char *source, double start, double end,
                       enum fm_format format)
{
    static struct fm_spec_trim part;
    part = (struct fm_spec_trim){start, end, FM_ACCURACY_KEYFRAME};
    run->outputs[add_output(run, format, "part")].trim = &part;
    assert_made(run, source);
}

static void assert_remuxed(const char *source, double start, double end, double seconds)
{
    FM_AUTO(run_done) struct run run = {0};
    remux_part(&run, source, start, end, FM_FORMAT_MP4);
    assert_non_null(strstr(run.made[0].reason, "video: remux"));
    if (fabs(run.made[0].duration_seconds - seconds) > 0.13) {
        fail_msg("%s: %.3f s", source, run.made[0].duration_seconds);
    }
    struct seen seen = inspect("part");
    assert_true(seen.audio > 0 && fabs(seen.video_start) < 0.05);
}

/* Some containers are searched by decoding time, which for the first frame lies before the film's
 * start. */
static void a_part_may_begin_with_the_first_keyframe(void **state)
{
    (void)state;
    static const char *const sources[] = {"keys.ts",  "keys.mp4", "keys.mkv",
                                          "keys.flv", "keys.mov", "hevc.ts"};
    for (size_t i = 0; i < FM_COUNT(sources); i++) {
        assert_remuxed(sources[i], 0.5, 1.5, 1.5);
        assert_remuxed(sources[i], 0.3, 0.9, 0.9);
        assert_remuxed(sources[i], 1.3, 1.7, 0.7);
    }
}

/* Hidden packets stay hidden, and the film begins where it did. */
static void a_part_may_need_a_keyframe_that_is_hidden(void **state)
{
    (void)state;
    assert_remuxed("hidden.mp4", 0.3, 1.2, 1.2);
    assert_remuxed("hidden.mp4", 0.1, 0.3, 0.3);
    assert_remuxed("hidden.mp4", 0.6, 1.2, 0.8); /* from the keyframe at 0.4 */
}

static void a_stream_that_has_nothing_in_a_part_is_left_out(void **state)
{
    (void)state;
    static const enum fm_format formats[] = {FM_FORMAT_MP4, FM_FORMAT_MKV};
    for (size_t i = 0; i < FM_COUNT(formats); i++) {
        FM_AUTO(run_done) struct run run = {0};
        remux_part(&run, "late_sound.mp4", 0.3, 0.9, formats[i]);
        assert_null(run.made[0].audio);
        assert_in_range(run.made[0].video->frames, 23, 25);
    }
}

static void a_picture_that_begins_late_leaves_the_sound_where_it_is(void **state)
{
    (void)state;
    static const char *const sources[] = {"late_picture.mp4", "late_picture.mkv",
                                          "late_picture.ts"};
    for (size_t i = 0; i < FM_COUNT(sources); i++) {
        FM_AUTO(run_done) struct run run = {0};
        remux_part(&run, sources[i], 0.3, 0.9, FM_FORMAT_MP4);
        assert_null(run.made[0].video);
        assert_float_equal(run.made[0].duration_seconds, 0.6, 0.1);
        FM_AUTO(run_done) struct run other_run = {0};
        remux_part(&other_run, sources[i], 0.3, 1.7, FM_FORMAT_MP4);
        assert_float_equal(other_run.made[0].duration_seconds, 1.4, 0.13);
        assert_float_equal(inspect("part").video_start, 0.9, 0.13);
    }
}

static int make_films(void **state)
{
    if (make_directory(state) != 0) {
        return -1;
    }
    ffmpeg(TWO_SECONDS "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac "
                       "keys.mp4");
    ffmpeg("-i keys.mp4 -c copy keys.mkv -c copy keys.ts -c copy keys.flv -c copy keys.mov");
    ffmpeg(TWO_SECONDS "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25 "
                       "-pix_fmt yuv420p -c:a aac hevc.ts");
    ffmpeg("-ss 0.6 -i keys.mp4 -c copy hidden.mp4");
    ffmpeg("-i keys.mp4 -itsoffset 1.2 -i keys.mp4 -map 0:v -map 1:a -c copy late_sound.mp4");
    ffmpeg("-itsoffset 1.2 -i keys.mp4 -i keys.mp4 -map 0:v -map 1:a -c copy late_picture.mp4");
    ffmpeg("-i late_picture.mp4 -c copy late_picture.mkv -c copy late_picture.ts");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_may_begin_with_the_first_keyframe),
        cmocka_unit_test(a_part_may_need_a_keyframe_that_is_hidden),
        cmocka_unit_test(a_stream_that_has_nothing_in_a_part_is_left_out),
        cmocka_unit_test(a_picture_that_begins_late_leaves_the_sound_where_it_is),
    };
    return cmocka_run_group_tests_name("keyframe", tests, make_films, remove_directory);
}
