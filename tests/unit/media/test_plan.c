/* What is decided before a packet is read: ways, reasons, parts, memory. */
#include "worker/media/plan.h"

#include "tests/unit/media/fixture.h"

#include <math.h>

#include "worker/media/estimate.h"
#include "worker/media/input.h"

/* ---- ways ---- */

struct ask {
    const char *source;
    struct fm_spec_output output;
    struct fm_spec_video video;
    struct fm_spec_audio audio;
    struct fm_arena arena;
    struct fm_input *input;
    struct fm_plan plan;
    struct fm_error err;
};

static void begin(struct ask *ask, const char *source, enum fm_format format)
{
    *ask = (struct ask){.source = source};
    fm_pack_defaults(&fm_record_spec_output, &ask->output);
    fm_pack_defaults(&fm_record_spec_video, &ask->video);
    fm_pack_defaults(&fm_record_spec_audio, &ask->audio);
    ask->output.name = "out";
    ask->output.format = format;
    ask->output.video = &ask->video;
    ask->output.audio = &ask->audio;
}

static bool make_plan(struct ask *ask)
{
    FM_AUTO(fm_file_close) int fd = open_made(ask->source, O_RDONLY);
    struct fm_spec spec;
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.outputs = (struct fm_list){.items = &ask->output, .count = 1};
    assert_true(fm_input_open(fd, size_of(fd), 7200, &ask->input, &ask->err));
    return fm_plan_make(fm_input_format(ask->input), &spec, 2, &ask->arena, &ask->plan, &ask->err);
}

static void end(struct ask *ask)
{
    fm_input_destroy(&ask->input);
    fm_arena_done(&ask->arena);
}

static void assert_ways(struct ask *ask, enum fm_plan_way video, enum fm_plan_way audio)
{
    assert_true(make_plan(ask));
    assert_int_equal(ask->plan.outputs[0].streams[FM_PLAN_VIDEO].way, video);
    assert_int_equal(ask->plan.outputs[0].streams[FM_PLAN_AUDIO].way, audio);
}

static void assert_refused(struct ask *ask, enum fm_error_code code)
{
    assert_false(make_plan(ask));
    assert_int_equal(ask->err.code, code);
    end(ask);
}

static void streams_that_fit_are_remuxed(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_MP4);
    assert_ways(&ask, FM_PLAN_REMUX, FM_PLAN_REMUX);
    assert_string_equal(ask.plan.outputs[0].reason,
                        "video: remux, h264 fits; audio: remux, aac fits");
    end(&ask);
}

static void what_is_asked_of_one_stream_leaves_the_other(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_MP4);
    ask.video.height = 120;
    assert_ways(&ask, FM_PLAN_ENCODE, FM_PLAN_REMUX);
    assert_string_equal(
        ask.plan.outputs[0].reason,
        "video: transcode h264 to h264, a size is requested; audio: remux, aac fits");
    end(&ask);
}

static void a_stream_is_dropped_on_request(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_MP4);
    ask.audio.codec = FM_CODEC_NONE;
    assert_ways(&ask, FM_PLAN_REMUX, FM_PLAN_NONE);
    end(&ask);
}

static void codecs_a_format_cannot_carry_are_transcoded(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mkv", FM_FORMAT_MP4);
    assert_ways(&ask, FM_PLAN_ENCODE, FM_PLAN_ENCODE);
    assert_int_equal(ask.plan.outputs[0].streams[FM_PLAN_AUDIO].channels, 2);
    end(&ask);
    begin(&ask, "film.mp4", FM_FORMAT_MP3);
    assert_ways(&ask, FM_PLAN_NONE, FM_PLAN_ENCODE);
    assert_int_equal(ask.plan.outputs[0].streams[FM_PLAN_AUDIO].bit_rate, 192000);
    end(&ask);
}

static void a_remux_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mkv", FM_FORMAT_MP4);
    ask.video.codec = FM_CODEC_COPY;
    assert_refused(&ask, FM_UNSUPPORTED_CODEC);
    begin(&ask, "film.mp4", FM_FORMAT_MP3);
    ask.audio.codec = FM_CODEC_AAC;
    assert_refused(&ask, FM_UNSUPPORTED_CODEC);
}

static void what_the_source_lacks_cannot_be_made(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "silent.mp4", FM_FORMAT_MP3);
    assert_refused(&ask, FM_NO_MEDIA_FOUND);
    begin(&ask, "sound.m4a", FM_FORMAT_JPG);
    assert_refused(&ask, FM_NO_MEDIA_FOUND);
    begin(&ask, "silent.mp4", FM_FORMAT_MP4);
    assert_ways(&ask, FM_PLAN_REMUX, FM_PLAN_NONE);
    end(&ask);
    begin(&ask, "sound.m4a", FM_FORMAT_MP4);
    assert_ways(&ask, FM_PLAN_NONE, FM_PLAN_REMUX);
    end(&ask);
}

static void a_lone_still_is_read_from_near_its_moment(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_JPG);
    ask.output.at_seconds = 1.75;
    assert_ways(&ask, FM_PLAN_ENCODE, FM_PLAN_NONE);
    assert_true(ask.plan.seek_seconds > 1 && ask.plan.seek_seconds < 1.75);
    end(&ask);
}

static void a_preset_nobody_knows_is_refused(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_MP4);
    ask.video.codec = FM_CODEC_H264;
    ask.video.preset = "quickly";
    assert_refused(&ask, FM_UNSUPPORTED_CODEC);
}

static void trim(struct ask *ask, double start, double end, enum fm_accuracy accuracy)
{
    static struct fm_spec_trim part;
    part = (struct fm_spec_trim){start, end, accuracy};
    ask->output.trim = &part;
}

static void an_exact_cut_is_encoded_and_a_keyframe_carried(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_MP4);
    trim(&ask, 0.5, 1.5, FM_ACCURACY_EXACT);
    assert_ways(&ask, FM_PLAN_ENCODE, FM_PLAN_ENCODE);
    assert_non_null(strstr(ask.plan.outputs[0].reason, "an exact cut is requested"));
    end(&ask);
    begin(&ask, "keys.mp4", FM_FORMAT_MP4);
    trim(&ask, 1.3, 1.5, FM_ACCURACY_KEYFRAME);
    assert_ways(&ask, FM_PLAN_REMUX, FM_PLAN_REMUX);
    assert_float_equal(ask.plan.outputs[0].part.start_seconds, 1, 0.001);
    assert_float_equal(ask.plan.outputs[0].duration_seconds, 0.5, 0.001);
    end(&ask);
}

static void a_part_ends_with_its_source(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_MP3);
    trim(&ask, 0.5, 7, FM_ACCURACY_EXACT);
    assert_ways(&ask, FM_PLAN_NONE, FM_PLAN_ENCODE);
    assert_true(isinf(ask.plan.outputs[0].part.end_seconds) != 0);
    assert_float_equal(ask.plan.outputs[0].duration_seconds, 1.5, 0.1);
    end(&ask);
    begin(&ask, "film.mp4", FM_FORMAT_MP3);
    trim(&ask, 2.5, 7, FM_ACCURACY_EXACT);
    assert_refused(&ask, FM_TRIM_OUTSIDE);
}

static void a_moment_counts_from_its_parts_start(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_JPG);
    trim(&ask, 1, 1.5, FM_ACCURACY_EXACT);
    ask.output.at_seconds = 0.2;
    assert_ways(&ask, FM_PLAN_ENCODE, FM_PLAN_NONE);
    assert_float_equal(ask.plan.outputs[0].moment_seconds, 1.2, 0.0001);
    end(&ask);
    ask.output.at_seconds = 9;
    assert_ways(&ask, FM_PLAN_ENCODE, FM_PLAN_NONE);
    assert_true(ask.plan.outputs[0].moment_seconds < 1.5);
    end(&ask);
}

static void work_too_large_for_the_child_is_refused(void **state)
{
    (void)state;
    struct ask ask;
    begin(&ask, "film.mp4", FM_FORMAT_MP4);
    ask.video.codec = FM_CODEC_H264;
    assert_ways(&ask, FM_PLAN_ENCODE, FM_PLAN_REMUX);
    struct fm_plan_stream *video = &ask.plan.outputs[0].streams[FM_PLAN_VIDEO];
    video->threads = 4;
    video->width = 3840;
    video->height = 2160;
    uint64_t uhd = fm_estimate_plan(&ask.plan);
    assert_true(uhd > 1500000000 && uhd < 3ULL << 30);
    video->width = 7680;
    video->height = 4320;
    assert_true(fm_estimate_plan(&ask.plan) > 3ULL << 30);
    end(&ask);
}

static int make_films(void **state)
{
    if (make_directory(state) != 0) {
        return -1;
    }
    ffmpeg(TWO_SECONDS "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac film.mp4");
    ffmpeg("-i film.mp4 -c:v mpeg2video -c:a pcm_s16le -ac 6 film.mkv");
    ffmpeg("-i film.mp4 -c copy -an silent.mp4");
    ffmpeg("-i film.mp4 -c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a copy keys.mp4");
    ffmpeg("-i film.mp4 -c copy -vn sound.m4a");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_that_fit_are_remuxed),
        cmocka_unit_test(what_is_asked_of_one_stream_leaves_the_other),
        cmocka_unit_test(a_stream_is_dropped_on_request),
        cmocka_unit_test(codecs_a_format_cannot_carry_are_transcoded),
        cmocka_unit_test(a_remux_that_does_not_fit_is_refused),
        cmocka_unit_test(what_the_source_lacks_cannot_be_made),
        cmocka_unit_test(a_lone_still_is_read_from_near_its_moment),
        cmocka_unit_test(a_preset_nobody_knows_is_refused),
        cmocka_unit_test(an_exact_cut_is_encoded_and_a_keyframe_carried),
        cmocka_unit_test(a_part_ends_with_its_source),
        cmocka_unit_test(a_moment_counts_from_its_parts_start),
        cmocka_unit_test(work_too_large_for_the_child_is_refused),
    };
    return cmocka_run_group_tests(tests, make_films, remove_directory);
}
