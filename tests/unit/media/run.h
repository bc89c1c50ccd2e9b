/*
 * Shared by the tests that go all the way from a source to its outputs: one run of the pipeline,
 * unsealed and in this process, and functions that inspect the files it made.
 */
#ifndef FM_TESTS_UNIT_MEDIA_RUN_H
#define FM_TESTS_UNIT_MEDIA_RUN_H

#include "tests/unit/media/fixture.h"

#include <math.h>

#include "worker/media/pipeline.h"
#include "worker/media/probe.h"
#include "worker/media/verify.h"

#define OUTPUTS 4

/* One run: the outputs requested, and the result. */
struct run {
    struct fm_spec_output outputs[OUTPUTS];
    struct fm_spec_video videos[OUTPUTS];
    struct fm_spec_audio audios[OUTPUTS];
    char files[OUTPUTS][32];
    size_t count;
    unsigned progress;
    double done_seconds;  /* of the last reading */
    uint64_t max_seconds; /* the longest source allowed; 0: any */
    struct fm_arena arena;
    struct fm_file_facts made[OUTPUTS];
    struct fm_error err;
};

/* Requests one more output, in a file of that name; returns its index. */
static UNUSED size_t add_output(struct run *run, enum fm_format format, const char *file)
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

/* An mp4 that has to be encoded; a height of 0 keeps the source's size. */
static UNUSED size_t add_transcode(struct run *run, const char *file, unsigned height)
{
    size_t i = add_output(run, FM_FORMAT_MP4, file);
    run->videos[i].codec = FM_CODEC_H264;
    run->videos[i].height = height;
    run->videos[i].preset = "ultrafast";
    run->audios[i].codec = FM_CODEC_AAC;
    return i;
}

/* Progress never goes back and never passes the total. */
static UNUSED void count_progress(void *context, const struct fm_progress_reading *reading)
{
    struct run *run = context;
    run->progress++;
    assert_true(reading->done_seconds >= run->done_seconds);
    assert_true(reading->total_seconds <= 0 || reading->done_seconds <= reading->total_seconds);
    run->done_seconds = reading->done_seconds;
}

static UNUSED bool run_pipeline(struct run *run, const char *source)
{
    FM_AUTO(fm_file_close) int fd = open_made(source, O_RDONLY);
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    int fds[OUTPUTS];
    struct fm_spec spec;
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.outputs = (struct fm_list){.items = run->outputs, .count = run->count};
    assert_true(fm_input_open(fd, size_of(fd), 7200, &input, &run->err));
    for (size_t i = 0; i < run->count; i++) {
        fds[i] = open_made(run->files[i], O_RDWR | O_CREAT | O_TRUNC);
    }
    struct fm_pipeline_request request = {
        .input = input,
        .spec = &spec,
        .max_seconds = run->max_seconds,
        .output_fds = fds,
        .threads = 2,
        .context = run,
        .on_progress = count_progress,
    };
    bool good = fm_pipeline_run(&request, &run->arena, run->made, &run->err);
    for (size_t i = 0; i < run->count; i++) {
        fm_file_close(&fds[i]);
    }
    return good;
}

static UNUSED void run_done(struct run *run)
{
    fm_arena_done(&run->arena);
}

/* ---- the content of a file, by its packets ---- */

struct seen {
    uint64_t video, audio;        /* packets */
    double duration, video_start; /* seconds */
    int rotation;
    AVRational shape;
    enum AVColorSpace colours;
    enum AVColorRange range;
    int width, height;
};

static UNUSED void count_packets(AVFormatContext *format, int video, int audio, struct seen *seen)
{
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(format, packet) >= 0) {
        seen->video += packet->stream_index == video;
        seen->audio += packet->stream_index == audio;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
}

static UNUSED struct seen inspect(const char *file)
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

/* Output `i` passes the verification that follows in a job. */
static UNUSED void assert_verified(struct run *run, size_t i)
{
    FM_AUTO(fm_file_close) int fd = open_made(run->files[i], O_RDONLY);
    struct fm_file_facts found = {0};
    bool good = fm_verify_file(fd, &run->made[i], 7200, &run->arena, &found, &run->err);
    if (!good) {
        print_error("%s: %s\n", run->files[i], run->err.detail);
    }
    assert_true(good);
}

/* The run succeeds, and all its outputs pass their verification. */
static UNUSED void assert_made(struct run *run, const char *source)
{
    bool good = run_pipeline(run, source);
    if (!good) {
        print_error("%s: %d %s\n", source, run->err.code, run->err.detail);
    }
    assert_true(good);
    for (size_t i = 0; i < run->count; i++) {
        assert_verified(run, i);
    }
}

/* Whether the bytes are among the file's first `within` bytes. */
static UNUSED bool file_contains(const char *file, const char *bytes, size_t length, size_t within)
{
    FM_AUTO(fm_file_close) int fd = open_made(file, O_RDONLY);
    char head[4096] = "";
    assert_true(read(fd, head, sizeof(head)) > 0);
    return memmem(head, within, bytes, length) != NULL;
}

static UNUSED void read_all(const char *file, struct fm_text *bytes)
{
    char path[PATH_MAX];
    struct fm_error err = {0};
    snprintf(path, sizeof(path), "%s/%s", directory, file);
    assert_true(fm_file_read(path, 16 << 20, bytes, &err));
}

static UNUSED void assert_same_bytes(const char *one, const char *other)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    FM_AUTO(fm_text_done) struct fm_text others = {0};
    read_all(one, &bytes);
    read_all(other, &others);
    assert_int_equal(bytes.length, others.length);
    assert_memory_equal(bytes.data, others.data, bytes.length);
}

/* Runs a shell command in the test's directory. */
static UNUSED void shell(const char *line)
{
    char command[512];
    snprintf(command, sizeof(command), "cd %s && %s", directory, line);
    assert_int_equal(system(command), 0);
}

/* film.mp4: two seconds of video and audio. */
static UNUSED int make_film(void **state)
{
    if (make_directory(state) != 0) {
        return -1;
    }
    ffmpeg(TWO_SECONDS "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -c:a aac -ac 2 "
                       "film.mp4");
    return 0;
}

#endif
