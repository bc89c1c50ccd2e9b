/* The plan of one output: remux or encode, the reasons, the part, and the memory. */
#include "worker/media/plan.h"

#include "tests/unit/media/fixture.h"

#include <math.h>

#include "worker/media/estimate.h"
#include "worker/media/input.h"

/* One output and the plan made of it. */
struct request {
    const char *source;
    struct fm_spec_output output;
    struct fm_spec_video video;
    struct fm_spec_audio audio;
    struct fm_arena arena;
    struct fm_input *input;
    struct fm_plan plan;
    struct fm_error err;
};

static void init_request(struct request *request, const char *source, enum fm_format format)
{
    *request = (struct request){.source = source};
    fm_pack_defaults(&fm_record_spec_output, &request->output);
    fm_pack_defaults(&fm_record_spec_video, &request->video);
    fm_pack_defaults(&fm_record_spec_audio, &request->audio);
    request->output.name = "out";
    request->output.format = format;
    request->output.video = &request->video;
    request->output.audio = &request->audio;
}

static bool make_plan(struct request *request)
{
    FM_AUTO(fm_file_close) int fd = open_made(request->source, O_RDONLY);
    struct fm_spec spec;
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.outputs = (struct fm_list){.items = &request->output, .count = 1};
    assert_true(fm_input_open(fd, size_of(fd), 7200, &request->input, &request->err));
    return fm_plan_make(fm_input_format(request->input), &spec, 2, &request->arena, &request->plan,
                        &request->err);
}

static void end_request(struct request *request)
{
    fm_input_destroy(&request->input);
    fm_arena_done(&request->arena);
}

static void assert_ways(struct request *request, enum fm_plan_way video, enum fm_plan_way audio)
{
    assert_true(make_plan(request));
    assert_int_equal(request->plan.outputs[0].streams[FM_PLAN_VIDEO].way, video);
    assert_int_equal(request->plan.outputs[0].streams[FM_PLAN_AUDIO].way, audio);
}

static void assert_refused(struct request *request, enum fm_error_code code)
{
    assert_false(make_plan(request));
    assert_int_equal(request->err.code, code);
    end_request(request);
}

static void streams_that_fit_are_remuxed(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_MP4);
    assert_ways(&request, FM_PLAN_REMUX, FM_PLAN_REMUX);
    assert_string_equal(request.plan.outputs[0].reason,
                        "video: remux, h264 fits; audio: remux, aac fits");
    end_request(&request);
}

static void a_request_for_one_stream_leaves_the_other(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_MP4);
    request.video.height = 120;
    assert_ways(&request, FM_PLAN_ENCODE, FM_PLAN_REMUX);
    assert_string_equal(
        request.plan.outputs[0].reason,
        "video: transcode h264 to h264, a size is requested; audio: remux, aac fits");
    end_request(&request);
}

static void a_stream_is_dropped_on_request(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_MP4);
    request.audio.codec = FM_CODEC_NONE;
    assert_ways(&request, FM_PLAN_REMUX, FM_PLAN_NONE);
    end_request(&request);
}

static void codecs_that_a_format_cannot_hold_are_transcoded(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mkv", FM_FORMAT_MP4);
    assert_ways(&request, FM_PLAN_ENCODE, FM_PLAN_ENCODE);
    assert_int_equal(request.plan.outputs[0].streams[FM_PLAN_AUDIO].channels, 2);
    end_request(&request);
    init_request(&request, "film.mp4", FM_FORMAT_MP3);
    assert_ways(&request, FM_PLAN_NONE, FM_PLAN_ENCODE);
    assert_int_equal(request.plan.outputs[0].streams[FM_PLAN_AUDIO].bit_rate, 192000);
    end_request(&request);
}

static void a_remux_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mkv", FM_FORMAT_MP4);
    request.video.codec = FM_CODEC_COPY;
    assert_refused(&request, FM_UNSUPPORTED_CODEC);
    init_request(&request, "film.mp4", FM_FORMAT_MP3);
    request.audio.codec = FM_CODEC_AAC;
    assert_refused(&request, FM_UNSUPPORTED_CODEC);
}

static void what_the_source_lacks_cannot_be_made(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "silent.mp4", FM_FORMAT_MP3);
    assert_refused(&request, FM_NO_MEDIA_FOUND);
    init_request(&request, "sound.m4a", FM_FORMAT_JPG);
    assert_refused(&request, FM_NO_MEDIA_FOUND);
    init_request(&request, "silent.mp4", FM_FORMAT_MP4);
    assert_ways(&request, FM_PLAN_REMUX, FM_PLAN_NONE);
    end_request(&request);
    init_request(&request, "sound.m4a", FM_FORMAT_MP4);
    assert_ways(&request, FM_PLAN_NONE, FM_PLAN_REMUX);
    end_request(&request);
}

static void a_lone_still_is_read_from_near_its_moment(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_JPG);
    request.output.at_seconds = 1.75;
    assert_ways(&request, FM_PLAN_ENCODE, FM_PLAN_NONE);
    assert_true(request.plan.seek_seconds > 1 && request.plan.seek_seconds < 1.75);
    end_request(&request);
}

static void a_preset_nobody_knows_is_refused(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_MP4);
    request.video.codec = FM_CODEC_H264;
    request.video.preset = "quickly";
    assert_refused(&request, FM_UNSUPPORTED_CODEC);
}

static void set_part(struct request *request, double start, double end, enum fm_accuracy accuracy)
{
    static struct fm_spec_trim part;
    part = (struct fm_spec_trim){start, end, accuracy};
    request->output.trim = &part;
}

static void an_exact_cut_is_encoded_and_a_keyframe_cut_remuxed(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_MP4);
    set_part(&request, 0.5, 1.5, FM_ACCURACY_EXACT);
    assert_ways(&request, FM_PLAN_ENCODE, FM_PLAN_ENCODE);
    assert_non_null(strstr(request.plan.outputs[0].reason, "an exact cut is requested"));
    end_request(&request);
    init_request(&request, "keys.mp4", FM_FORMAT_MP4);
    set_part(&request, 1.3, 1.5, FM_ACCURACY_KEYFRAME);
    assert_ways(&request, FM_PLAN_REMUX, FM_PLAN_REMUX);
    assert_float_equal(request.plan.outputs[0].part.start_seconds, 1, 0.001);
    assert_float_equal(request.plan.outputs[0].duration_seconds, 0.5, 0.001);
    end_request(&request);
}

static void a_part_ends_with_its_source(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_MP3);
    set_part(&request, 0.5, 7, FM_ACCURACY_EXACT);
    assert_ways(&request, FM_PLAN_NONE, FM_PLAN_ENCODE);
    assert_true(isinf(request.plan.outputs[0].part.end_seconds) != 0);
    assert_float_equal(request.plan.outputs[0].duration_seconds, 1.5, 0.1);
    end_request(&request);
    init_request(&request, "film.mp4", FM_FORMAT_MP3);
    set_part(&request, 2.5, 7, FM_ACCURACY_EXACT);
    assert_refused(&request, FM_TRIM_OUTSIDE);
}

static void a_moment_counts_from_its_parts_start(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_JPG);
    set_part(&request, 1, 1.5, FM_ACCURACY_EXACT);
    request.output.at_seconds = 0.2;
    assert_ways(&request, FM_PLAN_ENCODE, FM_PLAN_NONE);
    assert_float_equal(request.plan.outputs[0].moment_seconds, 1.2, 0.0001);
    end_request(&request);
    request.output.at_seconds = 9;
    assert_ways(&request, FM_PLAN_ENCODE, FM_PLAN_NONE);
    assert_true(request.plan.outputs[0].moment_seconds < 1.5);
    end_request(&request);
}

static void work_too_large_for_the_child_is_refused(void **state)
{
    (void)state;
    struct request request;
    init_request(&request, "film.mp4", FM_FORMAT_MP4);
    request.video.codec = FM_CODEC_H264;
    assert_ways(&request, FM_PLAN_ENCODE, FM_PLAN_REMUX);
    struct fm_plan_stream *video = &request.plan.outputs[0].streams[FM_PLAN_VIDEO];
    video->threads = 4;
    video->width = 3840;
    video->height = 2160;
    uint64_t uhd = fm_estimate_plan(&request.plan);
    assert_true(uhd > 1500000000 && uhd < 3ULL << 30);
    video->width = 7680;
    video->height = 4320;
    assert_true(fm_estimate_plan(&request.plan) > 3ULL << 30);
    end_request(&request);
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
        cmocka_unit_test(a_request_for_one_stream_leaves_the_other),
        cmocka_unit_test(a_stream_is_dropped_on_request),
        cmocka_unit_test(codecs_that_a_format_cannot_hold_are_transcoded),
        cmocka_unit_test(a_remux_that_does_not_fit_is_refused),
        cmocka_unit_test(what_the_source_lacks_cannot_be_made),
        cmocka_unit_test(a_lone_still_is_read_from_near_its_moment),
        cmocka_unit_test(a_preset_nobody_knows_is_refused),
        cmocka_unit_test(an_exact_cut_is_encoded_and_a_keyframe_cut_remuxed),
        cmocka_unit_test(a_part_ends_with_its_source),
        cmocka_unit_test(a_moment_counts_from_its_parts_start),
        cmocka_unit_test(work_too_large_for_the_child_is_refused),
    };
    return cmocka_run_group_tests(tests, make_films, remove_directory);
}
