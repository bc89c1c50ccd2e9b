/* Whole ways from one file to others, unsealed, held against what the ffmpeg command makes. */
#include "tests/unit/media/fixture.h"

#include <math.h>

#include "worker/media/pipeline.h"
#include "worker/media/probe.h"
#include "worker/media/verify.h"

#define OUTPUTS 4

/* One run: what is asked, what came of it. */
struct run {
    struct fm_spec_output outputs[OUTPUTS];
    struct fm_spec_video videos[OUTPUTS];
    struct fm_spec_audio audios[OUTPUTS];
    char files[OUTPUTS][32];
    size_t count;
    unsigned progress;
    struct fm_arena arena;
    struct fm_file_facts made[OUTPUTS];
    struct fm_error err;
};

/* Asks for one more output, in a file of that name. */
static size_t ask(struct run *run, enum fm_format format, const char *file)
{
    size_t i = run->count++;
    fm_pack_defaults(&fm_record_spec_output, &run->outputs[i]);
    fm_pack_defaults(&fm_record_spec_video, &run->videos[i]);
    fm_pack_defaults(&fm_record_spec_audio, &run->audios[i]);
    snprintf(run->files[i], sizeof(run->files[i]), "%s", file);
    run->outputs[i].name = run->files[i];
    run->outputs[i].format = format;
    run->outputs[i].video = &run->videos[i];
    run->outputs[i].audio = &run->audios[i];
    return i;
}

static size_t ask_transcode(struct run *run, const char *file, unsigned height)
{
    size_t i = ask(run, FM_FORMAT_MP4, file);
    run->videos[i].codec = FM_CODEC_H264;
    run->videos[i].height = height;
    run->videos[i].preset = "ultrafast";
    run->audios[i].codec = FM_CODEC_AAC;
    return i;
}

static void count_progress(void *context, const struct fm_pipeline_progress *progress)
{
    struct run *run = context;
    run->progress++;
    assert_true(progress->percent <= 100);
}

static bool make(struct run *run, const char *source)
{
    FM_AUTO(fm_file_close) int fd = open_made(source, O_RDONLY);
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    int fds[OUTPUTS];
    struct fm_spec spec;
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.outputs = (struct fm_list){.items = run->outputs, .count = run->count};
    assert_true(fm_input_open(fd, size_of(fd), 7200, &input, &run->err));
    for (size_t i = 0; i < run->count; i++)
        fds[i] = open_made(run->files[i], O_RDWR | O_CREAT | O_TRUNC);
    struct fm_pipeline_request request = {
        .input = input,
        .spec = &spec,
        .output_fds = fds,
        .threads = 2,
        .context = run,
        .on_progress = count_progress,
    };
    bool good = fm_pipeline_run(&request, &run->arena, run->made, &run->err);
    for (size_t i = 0; i < run->count; i++)
        fm_file_close(&fds[i]);
    return good;
}

static void run_done(struct run *run)
{
    fm_arena_done(&run->arena);
}

/* ---- what a file holds, by its packets ---- */

struct seen {
    uint64_t video, audio; /* packets */
    double duration, video_start;
    int rotation;
    AVRational shape;
    enum AVColorSpace colours;
    enum AVColorRange range;
    int width, height;
};

static void count_packets(AVFormatContext *format, int video, int audio, struct seen *seen)
{
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(format, packet) >= 0) {
        seen->video += packet->stream_index == video;
        seen->audio += packet->stream_index == audio;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
}

static struct seen see(const char *file)
{
    FM_AUTO(fm_file_close) int fd = open_made(file, O_RDONLY);
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    struct fm_error err = {0};
    assert_true(fm_input_open(fd, size_of(fd), 7200, &input, &err));
    AVFormatContext *format = fm_input_format(input);
    int video = fm_probe_video_stream(format), audio = fm_probe_audio_stream(format);
    struct seen seen = {.duration = fm_probe_duration(format)};
    if (video >= 0) {
        const AVStream *stream = format->streams[video];
        seen.rotation = fm_probe_rotation(stream);
        seen.shape = stream->codecpar->sample_aspect_ratio;
        seen.colours = stream->codecpar->color_space;
        seen.range = stream->codecpar->color_range;
        seen.width = stream->codecpar->width;
        seen.height = stream->codecpar->height;
        seen.video_start = (double)stream->start_time * av_q2d(stream->time_base);
    }
    count_packets(format, video, audio, &seen);
    return seen;
}

/* What was made passes the verification that follows in a job. */
static void assert_verified(struct run *run, size_t i)
{
    FM_AUTO(fm_file_close) int fd = open_made(run->files[i], O_RDONLY);
    struct fm_file_facts found = {0};
    bool good = fm_verify_file(fd, &run->made[i], 7200, &run->arena, &found, &run->err);
    if (!good)
        print_error("%s: %s\n", run->files[i], run->err.detail);
    assert_true(good);
}

static void assert_made(struct run *run, const char *source)
{
    bool good = make(run, source);
    if (!good)
        print_error("%s: %d %s\n", source, run->err.code, run->err.detail);
    assert_true(good);
    for (size_t i = 0; i < run->count; i++)
        assert_verified(run, i);
}

static bool holds(const char *file, const char *bytes, size_t length, size_t within)
{
    FM_AUTO(fm_file_close) int fd = open_made(file, O_RDONLY);
    char head[4096] = "";
    assert_true(read(fd, head, sizeof(head)) > 0);
    return memmem(head, within, bytes, length) != NULL;
}

static void read_all(const char *file, struct fm_text *bytes)
{
    char path[PATH_MAX];
    struct fm_error err = {0};
    snprintf(path, sizeof(path), "%s/%s", directory, file);
    assert_true(fm_file_read(path, 16 << 20, bytes, &err));
}

static void assert_same_bytes(const char *one, const char *other)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    FM_AUTO(fm_text_done) struct fm_text others = {0};
    read_all(one, &bytes);
    read_all(other, &others);
    assert_int_equal(bytes.length, others.length);
    assert_memory_equal(bytes.data, others.data, bytes.length);
}

/* `sh -c` in the test's directory. */
static void shell(const char *line)
{
    char command[512];
    snprintf(command, sizeof(command), "cd %s && %s", directory, line);
    assert_int_equal(system(command), 0);
}

/* ---- stories ---- */

static void three_outputs_come_of_one_decode(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "three.mp4", 120);
    ask(&run, FM_FORMAT_MP3, "three.mp3");
    run.outputs[ask(&run, FM_FORMAT_JPG, "three.jpg")].at_seconds = 1;
    assert_made(&run, "film.mp4");
    assert_int_equal(run.made[0].video->frames, 50);
    assert_int_equal(run.made[0].video->width, 160);
    assert_int_equal(run.made[0].audio->channels, 2);
    assert_true(fabs(run.made[0].duration_seconds - 2) < 0.1);
    assert_string_equal(run.made[1].audio->codec, "mp3");
    assert_string_equal(run.made[1].extension, "mp3");
    assert_null(run.made[1].video);
    assert_string_equal(run.made[2].video->codec, "mjpeg");
    assert_string_equal(run.made[2].content_type, "image/jpeg");
    assert_int_equal(run.made[2].video->frames, 1);
    assert_int_equal(run.made[2].video->width, 320);
}

static void an_mp4_begins_with_its_index(void **state)
{
    (void)state;
    assert_true(holds("three.mp4", "moov", 4, 64));
}

static void a_remux_keeps_every_packet(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask(&run, FM_FORMAT_MP4, "remux.mp4");
    assert_made(&run, "film.mp4");
    struct seen before = see("film.mp4"), after = see("remux.mp4");
    assert_int_equal(after.video, before.video);
    assert_int_equal(after.audio, before.audio);
    assert_true(fabs(after.duration - before.duration) < 0.01);
    assert_true(holds("remux.mp4", "moov", 4, 64));
}

static void a_transcode_is_what_the_command_makes(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "small.mp4", 120);
    assert_made(&run, "film.mp4");
    ffmpeg("-i film.mp4 -c:v libx264 -preset ultrafast -crf 23 -vf scale=-2:120 -c:a aac -b:a 128k "
           "-movflags +faststart small_reference.mp4");
    struct seen ours = see("small.mp4"), theirs = see("small_reference.mp4");
    assert_int_equal(ours.video, theirs.video);
    assert_int_equal(ours.audio, theirs.audio);
    assert_true(fabs(ours.duration - theirs.duration) < 0.001);
    assert_int_equal(ours.width, theirs.width);
    assert_true(ours.shape.num == ours.shape.den);
}

static void colours_are_told_on(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "coloured.mp4", 0);
    ask(&run, FM_FORMAT_JPG, "coloured.jpg");
    ffmpeg("-i film.mp4 -an -c:v libx264 -preset ultrafast -colorspace bt709 -color_range tv "
           "-color_trc bt709 -color_primaries bt709 bt709.mp4");
    assert_made(&run, "bt709.mp4");
    struct seen film = see("coloured.mp4"), still = see("coloured.jpg");
    assert_int_equal(film.colours, AVCOL_SPC_BT709);
    assert_int_equal(film.range, AVCOL_RANGE_MPEG);
    assert_int_equal(still.range, AVCOL_RANGE_JPEG);
    assert_int_equal(still.colours, AVCOL_SPC_BT470BG);
}

static void a_turned_film_is_turned_once(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "upright.mp4", 0);
    ask(&run, FM_FORMAT_MP4, "kept.mp4");
    ask(&run, FM_FORMAT_JPG, "upright.jpg");
    ffmpeg("-i film.mp4 -c copy -metadata:s:v rotate=270 turned.mp4");
    assert_made(&run, "turned.mp4");
    struct seen upright = see("upright.mp4"), kept = see("kept.mp4"), still = see("upright.jpg");
    assert_int_equal(upright.width, 240);
    assert_int_equal(upright.height, 320);
    assert_int_equal(upright.rotation, 0);
    assert_int_equal(kept.width, 320);
    assert_int_equal(kept.rotation, 90);
    assert_int_equal(still.width, 240);
}

static void odd_sizes_lose_a_line_at_most(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "even.mp4", 0);
    ask(&run, FM_FORMAT_JPG, "odd.jpg");
    ffmpeg(
        "-i film.mp4 -an -vf scale=161:91,setsar=1 -pix_fmt yuv444p -c:v libx264 -preset ultrafast "
        "odd.mp4");
    assert_made(&run, "odd.mp4");
    struct seen even = see("even.mp4"), still = see("odd.jpg");
    assert_int_equal(even.width, 160);
    assert_int_equal(even.height, 90);
    assert_int_equal(still.width, 161);
    assert_int_equal(still.height, 91);
}

static void sound_keeps_its_channels_up_to_two(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask(&run, FM_FORMAT_MP3, "mono.mp3");
    size_t wide = ask(&run, FM_FORMAT_MP3, "wide.mp3");
    run.audios[wide].channels = 2;
    run.audios[wide].sample_rate = 22050;
    ffmpeg("-f lavfi -i sine=d=1:r=44100 -ac 1 mono.wav");
    assert_made(&run, "mono.wav");
    assert_int_equal(run.made[0].audio->channels, 1);
    assert_int_equal(run.made[1].audio->channels, 2);
    assert_int_equal(run.made[1].audio->sample_rate, 22050);
    FM_AUTO(run_done) struct run other_run = {0};
    ask(&other_run, FM_FORMAT_MP4, "surround.mp4");
    ffmpeg("-f lavfi -i anoisesrc=d=1:r=48000 -ac 6 surround.wav");
    assert_made(&other_run, "surround.wav");
    assert_int_equal(other_run.made[0].audio->channels, 2);
    assert_null(other_run.made[0].video);
}

static void a_silent_film_stays_silent(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "silent_small.mp4", 120);
    ffmpeg("-i film.mp4 -c copy -an silent.mp4");
    assert_made(&run, "silent.mp4");
    assert_null(run.made[0].audio);
    FM_AUTO(run_done) struct run other_run = {0};
    ask(&other_run, FM_FORMAT_MP3, "silent.mp3");
    assert_false(make(&other_run, "silent.mp4"));
    assert_int_equal(other_run.err.code, FM_NO_MEDIA_FOUND);
}

static void sound_may_end_before_the_picture(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "short_small.mp4", 120);
    ask(&run, FM_FORMAT_MP4, "short_remux.mp4");
    ffmpeg("-f lavfi -i testsrc=d=4:s=160x120:r=25 -f lavfi -i sine=d=1:r=44100 "
           "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac short.mp4");
    assert_made(&run, "short.mp4");
    assert_true(fabs(run.made[0].skew_seconds + 3) < 0.1);
    assert_true(fabs(run.made[1].skew_seconds + 3) < 0.1);
}

static void an_uneven_clock_is_kept(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "uneven_small.mp4", 120);
    ffmpeg("-i film.mp4 -an -vf \"select='not(between(mod(n,7),2,4))'\" -vsync vfr "
           "-enc_time_base 1/1000 -c:v libx264 -preset ultrafast uneven.mp4");
    assert_made(&run, "uneven.mp4");
    struct seen before = see("uneven.mp4"), after = see("uneven_small.mp4");
    assert_int_equal(after.video, before.video);
    assert_true(fabs(after.duration - before.duration) < 0.1);
}

static void a_late_start_becomes_zero(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "late_small.mp4", 120);
    ask(&run, FM_FORMAT_MP4, "late_remux.mp4");
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 30 late.ts");
    assert_made(&run, "late.ts");
    struct seen small = see("late_small.mp4"), remux = see("late_remux.mp4");
    assert_int_equal(small.video, 50);
    assert_true(small.video_start < 0.1 && small.duration < 2.2);
    assert_true(remux.video_start < 0.1 && remux.duration < 2.2);
}

/* The clock of a recording jumps by minutes in its middle; the film does not. */
static void a_jump_of_a_transport_stream_is_taken_out(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "joined_small.mp4", 120);
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 30 first.ts");
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 1000 second.ts");
    shell("cat first.ts second.ts > joined.ts");
    assert_true(make(&run, "joined.ts"));
    struct seen small = see("joined_small.mp4");
    assert_in_range(small.video, 98, 100);
    assert_true(fabs(small.duration - 4) < 0.3);
}

static void a_truncated_film_gives_what_there_is(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "cut_small.mp4", 120);
    ask(&run, FM_FORMAT_MP4, "cut_remux.mp4");
    ffmpeg("-i film.mp4 -c copy cut.mkv");
    shell("truncate -s -40000 cut.mkv");
    assert_true(make(&run, "cut.mkv"));
    assert_in_range(run.made[0].video->frames, 10, 49);
}

static void a_still_beyond_the_end_is_the_last_frame(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    run.outputs[ask(&run, FM_FORMAT_JPG, "beyond.jpg")].at_seconds = 400;
    assert_made(&run, "film.mp4");
    FM_AUTO(run_done) struct run other_run = {0};
    other_run.outputs[ask(&other_run, FM_FORMAT_JPG, "last.jpg")].at_seconds = 1.97;
    ask(&other_run, FM_FORMAT_MP3, "beside.mp3");
    assert_made(&other_run, "film.mp4");
    assert_same_bytes("beyond.jpg", "last.jpg");
}

/* Its index promises frames that are not there. */
static void a_still_of_a_truncated_film_is_its_last_frame(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    run.outputs[ask(&run, FM_FORMAT_JPG, "cut.jpg")].at_seconds = 1.9;
    ffmpeg("-i film.mp4 -c:v libx264 -preset ultrafast -g 10 -c:a copy -movflags +faststart "
           "whole.mp4");
    shell("head -c $(( $(stat -c %s whole.mp4) / 3 )) whole.mp4 > cut.mp4");
    assert_made(&run, "cut.mp4");
}

static void a_copy_beside_other_outputs_is_the_source(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask(&run, FM_FORMAT_COPY, "copy.mp4");
    ask(&run, FM_FORMAT_MP3, "copy.mp3");
    assert_true(make(&run, "film.mp4"));
    assert_same_bytes("film.mp4", "copy.mp4");
}

static void the_first_error_ends_all_stages(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    ask_transcode(&run, "refused.mp4", 120);
    size_t bad = ask_transcode(&run, "bad.mp4", 120);
    run.videos[bad].preset = "no such preset";
    assert_false(make(&run, "film.mp4"));
    assert_int_equal(run.err.code, FM_UNSUPPORTED_CODEC);
    assert_non_null(strstr(run.err.detail, "libx264"));
}

static int make_film(void **state)
{
    if (make_directory(state) != 0)
        return -1;
    ffmpeg(TWO_SECONDS "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -c:a aac -ac 2 "
                       "film.mp4");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_outputs_come_of_one_decode),
        cmocka_unit_test(an_mp4_begins_with_its_index),
        cmocka_unit_test(a_remux_keeps_every_packet),
        cmocka_unit_test(a_transcode_is_what_the_command_makes),
        cmocka_unit_test(colours_are_told_on),
        cmocka_unit_test(a_turned_film_is_turned_once),
        cmocka_unit_test(odd_sizes_lose_a_line_at_most),
        cmocka_unit_test(sound_keeps_its_channels_up_to_two),
        cmocka_unit_test(a_silent_film_stays_silent),
        cmocka_unit_test(sound_may_end_before_the_picture),
        cmocka_unit_test(an_uneven_clock_is_kept),
        cmocka_unit_test(a_late_start_becomes_zero),
        cmocka_unit_test(a_jump_of_a_transport_stream_is_taken_out),
        cmocka_unit_test(a_truncated_film_gives_what_there_is),
        cmocka_unit_test(a_still_beyond_the_end_is_the_last_frame),
        cmocka_unit_test(a_still_of_a_truncated_film_is_its_last_frame),
        cmocka_unit_test(a_copy_beside_other_outputs_is_the_source),
        cmocka_unit_test(the_first_error_ends_all_stages),
    };
    return cmocka_run_group_tests(tests, make_film, remove_directory);
}
