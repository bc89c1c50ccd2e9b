/*
 * Makes the clip that the quickstart and the stories fetch: `clip OUT.mp4 [seconds] [width]
 * [height] [fps]`. It shows a drifting gradient with a bouncing box, to a rising tone; H.264 and
 * AAC in an mp4 whose index comes first. The same arguments make the same pictures.
 */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_RATE 48000
#define CHANNELS 2
#define LOWEST_HZ 220.0
#define RISE_HZ_PER_SECOND 22.0
#define LOUDNESS 0.25
#define MAX_WIDTH 8192
#define PERIOD 1024 /* pixels after which the ramp repeats: 128 steps of 8 pixels */

struct track {
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    int64_t next; /* pts of the next frame, in the codec's time base */
    int64_t end;  /* pts at which the track is complete */
};

struct clip {
    const char *path;
    int seconds, width, height, fps;
    AVFormatContext *container;
    struct track video, audio;
};

/* The next two end the program at the first failure; it is small enough for that. */

static int check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "clip: %s: %s\n", what, av_err2str(result));
        exit(1);
    }
    return result;
}

static void *require_pointer(void *pointer, const char *what)
{
    if (pointer == NULL) {
        fprintf(stderr, "clip: no %s\n", what);
        exit(1);
    }
    return pointer;
}

/* ---- opening ---- */

static void open_track(struct clip *clip, struct track *track, AVDictionary **options)
{
    AVCodecContext *codec = track->codec;
    if (clip->container->oformat->flags & AVFMT_GLOBALHEADER) {
        codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    check(avcodec_open2(codec, codec->codec, options), codec->codec->name);
    track->stream = require_pointer(avformat_new_stream(clip->container, NULL), "stream");
    track->stream->time_base = codec->time_base;
    check(avcodec_parameters_from_context(track->stream->codecpar, codec), "parameters");
    track->frame = require_pointer(av_frame_alloc(), "frame");
    track->packet = require_pointer(av_packet_alloc(), "packet");
}

static AVCodecContext *find_encoder(const char *name)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name(name);
    if (encoder == NULL) {
        fprintf(stderr, "clip: libavcodec has no %s\n", name);
        exit(1);
    }
    return require_pointer(avcodec_alloc_context3(encoder), name);
}

static void open_video(struct clip *clip)
{
    struct track *track = &clip->video;
    AVDictionary *options = NULL;
    AVCodecContext *codec = track->codec = find_encoder("libx264");
    codec->width = clip->width;
    codec->height = clip->height;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->time_base = (AVRational){1, clip->fps};
    codec->framerate = (AVRational){clip->fps, 1};
    codec->gop_size = clip->fps * 2;
    check(av_dict_set(&options, "preset", "veryfast", 0), "preset");
    open_track(clip, track, &options);
    av_dict_free(&options);
    track->stream->avg_frame_rate = codec->framerate;
    track->end = (int64_t)clip->seconds * clip->fps;
    track->frame->format = codec->pix_fmt;
    track->frame->width = codec->width;
    track->frame->height = codec->height;
    check(av_frame_get_buffer(track->frame, 0), "picture");
}

static void open_audio(struct clip *clip)
{
    struct track *track = &clip->audio;
    AVCodecContext *codec = track->codec = find_encoder("aac");
    codec->sample_rate = SAMPLE_RATE;
    codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
    codec->bit_rate = 128000;
    codec->time_base = (AVRational){1, SAMPLE_RATE};
    av_channel_layout_default(&codec->ch_layout, CHANNELS);
    open_track(clip, track, NULL);
    track->end = (int64_t)clip->seconds * SAMPLE_RATE;
    track->frame->format = codec->sample_fmt;
    track->frame->sample_rate = SAMPLE_RATE;
    track->frame->nb_samples = codec->frame_size;
    check(av_channel_layout_copy(&track->frame->ch_layout, &codec->ch_layout), "channels");
    check(av_frame_get_buffer(track->frame, 0), "sound");
}

static void open_clip(struct clip *clip)
{
    AVDictionary *options = NULL;
    check(avformat_alloc_output_context2(&clip->container, NULL, "mp4", clip->path), clip->path);
    open_video(clip);
    open_audio(clip);
    check(avio_open(&clip->container->pb, clip->path, AVIO_FLAG_WRITE), clip->path);
    check(av_dict_set(&options, "movflags", "+faststart", 0), "faststart");
    check(avformat_write_header(clip->container, &options), clip->path);
    av_dict_free(&options);
}

/* ---- pictures and sound ---- */

/* Every row is a piece of one repeating ramp; every fourth row it moves on by 8 pixels. */
static void draw_gradient(uint8_t *plane, int stride, int width, int height, int64_t shift)
{
    static uint8_t ramp[MAX_WIDTH + PERIOD];
    if (ramp[0] == 0) {
        for (int i = 0; i < MAX_WIDTH + PERIOD; i++) {
            ramp[i] = (uint8_t)(64 + ((i / 8) & 127));
        }
    }
    for (int y = 0; y < height; y++) {
        int64_t at = (shift + INT64_C(8) * (y / 4)) % PERIOD;
        memcpy(plane + (ptrdiff_t)y * stride, ramp + at, (size_t)width);
    }
}

static void fill_square(AVFrame *frame, int plane, int x, int y, int side, uint8_t value)
{
    for (int line = y; line < y + side; line++) {
        memset(frame->data[plane] + (ptrdiff_t)line * frame->linesize[plane] + x, value,
               (size_t)side);
    }
}

/* The position of a thing that bounces between 0 and `room` after it has moved by `way`. */
static int bounce(int64_t way, int room)
{
    int position = (int)(way % (2 * (int64_t)room + 1));
    return position <= room ? position : 2 * room - position;
}

static void draw_picture(const struct clip *clip, AVFrame *frame, int64_t i)
{
    int side = (clip->height / 4) & ~1;
    int x = bounce(i * clip->width / 120, clip->width - side) & ~1;
    int y = bounce(i * clip->height / 90, clip->height - side) & ~1;
    draw_gradient(frame->data[0], frame->linesize[0], clip->width, clip->height, i * 6);
    draw_gradient(frame->data[1], frame->linesize[1], clip->width / 2, clip->height / 2, i * 2);
    draw_gradient(frame->data[2], frame->linesize[2], clip->width / 2, clip->height / 2, i * 4);
    fill_square(frame, 0, x, y, side, 235);
    fill_square(frame, 1, x / 2, y / 2, side / 2, 90);
    fill_square(frame, 2, x / 2, y / 2, side / 2, 200);
}

/* The right channel is a fifth above the left. The phase of a rising tone is the integral of its
 * frequency. */
static void play_tone(AVFrame *frame, int64_t first)
{
    for (int i = 0; i < frame->nb_samples; i++) {
        double t = (double)(first + i) / SAMPLE_RATE;
        double phase = 2 * M_PI * (LOWEST_HZ * t + RISE_HZ_PER_SECOND * t * t / 2);
        ((float *)(void *)frame->data[0])[i] = (float)(LOUDNESS * sin(phase));
        ((float *)(void *)frame->data[1])[i] = (float)(LOUDNESS * sin(phase * 1.5));
    }
}

/* ---- writing ---- */

static void write_packets(struct clip *clip, struct track *track)
{
    int result;
    while ((result = avcodec_receive_packet(track->codec, track->packet)) >= 0) {
        track->packet->stream_index = track->stream->index;
        av_packet_rescale_ts(track->packet, track->codec->time_base, track->stream->time_base);
        check(av_interleaved_write_frame(clip->container, track->packet), "write");
    }
    if (result != AVERROR(EAGAIN) && result != AVERROR_EOF) {
        check(result, "encode");
    }
}

static void write_frame(struct clip *clip, struct track *track, AVFrame *frame)
{
    check(avcodec_send_frame(track->codec, frame), "encode");
    write_packets(clip, track);
}

static void write_picture(struct clip *clip)
{
    struct track *track = &clip->video;
    check(av_frame_make_writable(track->frame), "picture");
    draw_picture(clip, track->frame, track->next);
    track->frame->pts = track->next++;
    write_frame(clip, track, track->frame);
}

static void write_sound(struct clip *clip)
{
    struct track *track = &clip->audio;
    int64_t left = track->end - track->next;
    check(av_frame_make_writable(track->frame), "sound");
    if (left < track->frame->nb_samples) {
        track->frame->nb_samples = (int)left;
    }
    play_tone(track->frame, track->next);
    track->frame->pts = track->next;
    track->next += track->frame->nb_samples;
    write_frame(clip, track, track->frame);
}

/* The track that is behind goes on, so that the two are interleaved in the file. */
static void write_clip(struct clip *clip)
{
    struct track *video = &clip->video, *audio = &clip->audio;
    while (video->next < video->end || audio->next < audio->end) {
        bool sound_is_behind = av_compare_ts(audio->next, audio->codec->time_base, video->next,
                                             video->codec->time_base) <= 0;
        if (audio->next < audio->end && (sound_is_behind || video->next >= video->end)) {
            write_sound(clip);
        } else {
            write_picture(clip);
        }
    }
    write_frame(clip, video, NULL);
    write_frame(clip, audio, NULL);
    check(av_write_trailer(clip->container), clip->path);
    check(avio_closep(&clip->container->pb), clip->path);
}

static void close_track(struct track *track)
{
    av_packet_free(&track->packet);
    av_frame_free(&track->frame);
    avcodec_free_context(&track->codec);
}

/* Argument `index` as a number, or `standard` if it is not given. A number that cannot be a size of
 * a clip ends the program. */
static int read_number(int argc, char **argv, int index, int standard, long most)
{
    if (argc <= index) {
        return standard;
    }
    char *end;
    long value = strtol(argv[index], &end, 10);
    if (*end != '\0' || value < 1 || value > most) {
        fprintf(stderr, "clip: %s is not between 1 and %ld\n", argv[index], most);
        exit(2);
    }
    return (int)value;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: clip OUT.mp4 [seconds=20] [width=1280] [height=720] [fps=30]\n");
        return 2;
    }
    struct clip clip = {
        .path = argv[1],
        .seconds = read_number(argc, argv, 2, 20, 36000),
        .width = read_number(argc, argv, 3, 1280, MAX_WIDTH) & ~1,
        .height = read_number(argc, argv, 4, 720, 4320) & ~1,
        .fps = read_number(argc, argv, 5, 30, 240),
    };
    av_log_set_level(AV_LOG_ERROR);
    open_clip(&clip);
    write_clip(&clip);
    close_track(&clip.video);
    close_track(&clip.audio);
    avformat_free_context(clip.container);
    return 0;
}
