/*
 * The decisions, one small function each. Only fm_keyframe_before reads packets, and only for a
 * part that does not start at zero.
 */
#include "worker/media/plan.h"

#include <math.h>
#include <string.h>

#include "common/text.h"
#include "worker/media/estimate.h"
#include "worker/media/ffmpeg_versions.h"
#include "worker/media/keyframe.h"
#include "worker/media/loss.h"
#include "worker/media/probe.h"
#include "worker/media/seal.h"
#include "worker/media/sound.h"

/* The default of spec.def, and x264's own. */
#define DEFAULT_CRF 23
#define DEFAULT_PRESET "medium"
/* The crf of a spec is on x264's scale; libvpx needs this much more for the same quality. */
#define VP9_CRF_MORE 9
/* The height of a GIF for which no size was requested, and the frame rate of every GIF: beyond that
 * files get huge. */
#define GIF_HEIGHT 360
#define GIF_FRAME_RATE 10
/* The most memory for frames that wait for a shared palette; a longer GIF gets one for each frame.
 */
#define PALETTE_BYTES (512ULL << 20)
/* How many seconds before the first moment needed reading begins: little if the container's index
 * is exact, much if libav has to guess. */
#define SEEK_MARGIN_INDEXED 0.5
#define SEEK_MARGIN 10.0
/* An end_seconds of this value means the end of the source (spec.def). */
#define LAST_SECOND 1000000.0
/* A still is taken at least this many seconds before the end of its part. */
#define MOMENT_SECONDS 0.001

/* The defaults of spec.def, for an output without a "video" or "audio" of its own. */
static const struct fm_spec_video default_video = {.codec = FM_CODEC_AUTO, .crf = DEFAULT_CRF};
static const struct fm_spec_audio default_audio = {.codec = FM_CODEC_AUTO};

/* The output that is being decided. */
struct decision {
    const struct fm_plan *plan;
    struct fm_plan_output *output;
    struct fm_text reason; /* grows by a phrase for each stream */
};

/* ---- remux or encode ---- */

/* Whether `word` is one of `words`, which are separated by single spaces. */
static bool list_has(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(words, word); at; at = strstr(at + 1, word)) {
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Containers whose packets carry no presentation times. libav invents some, and a remux with those
 * may not play. */
static bool lacks_times(const AVFormatContext *input)
{
    static const char *const names[] = {"avi", "h264", "hevc", "m4v", "mpegvideo", "obu", "mjpeg"};
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        if (!strcmp(input->iformat->name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Whether the format can hold packets of the source stream. `carried` lists the codecs it can. */
static bool is_carried(const struct decision *decision, const char *carried, const AVStream *source)
{
    const AVCodecParameters *codec = source->codecpar;
    return list_has(carried, avcodec_get_name(codec->codec_id)) &&
           (codec->codec_type != AVMEDIA_TYPE_AUDIO ||
            fm_sound_is_carried(decision->output->format, codec));
}

/* In an MPEG program stream only some packets have a time, and reordered frames have none. */
static bool lacks_exact_times(const AVFormatContext *input)
{
    return lacks_times(input) || !strcmp(input->iformat->name, "mpeg");
}

/* The next three: why a stream has to be encoded because of a request, as a text for the client;
 * NULL if a remux can do what was requested. */

static const char *reason_of_part(const struct fm_plan_output *output)
{
    bool is_part = output->part.start_seconds > 0 || isfinite(output->part.end_seconds);
    return is_part && output->spec->trim->accuracy == FM_ACCURACY_EXACT
               ? "an exact cut is requested"
               : NULL;
}

static const char *reason_of_video(const struct fm_spec_video *video)
{
    if (video->width || video->height) {
        return "a size is requested";
    }
    if (video->bitrate) {
        return "a bitrate is requested";
    }
    if (video->crf != DEFAULT_CRF || video->preset) {
        return "a quality is requested";
    }
    return NULL;
}

static const char *reason_of_audio(const struct fm_spec_audio *audio,
                                   const AVCodecParameters *source)
{
    if (audio->bitrate) {
        return "a bitrate is requested";
    }
    if (audio->channels && audio->channels != (uint64_t)source->ch_layout.nb_channels) {
        return "another number of channels is requested";
    }
    if (audio->sample_rate && audio->sample_rate != (uint64_t)source->sample_rate) {
        return "another sample rate is requested";
    }
    return NULL;
}

/* The facts on which the decision about one stream depends, video or audio. */
struct choice {
    const char *what;         /* "video" or "audio" */
    enum fm_codec asked;      /* the codec requested */
    enum fm_codec standard;   /* the format's own choice if the codec is "auto" */
    const char *carried;      /* the codecs that the format can hold */
    const char *why_not_auto; /* what was requested that a remux cannot do, or NULL */
};

/* Appends "what: text" to the reason that the client will see. */
static void add_reason(struct decision *decision, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_reason(struct decision *decision, const char *what, const char *format, ...)
{
    char text[96];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const char *separator = decision->reason.length ? "; " : "";
    fm_text_format(&decision->reason, "%s%s: %s", separator, what, text);
}

static bool plan_remux(struct decision *decision, const struct choice *choice,
                       struct fm_plan_stream *stream, struct fm_error *err)
{
    const char *codec = avcodec_get_name(stream->source->codecpar->codec_id);
    if (!is_carried(decision, choice->carried, stream->source) || stream->still) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: %s does not fit", choice->what, codec);
    }
    const char *lost = fm_loss_of_remux(decision->plan, decision->output, stream->source);
    if (lost) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: %s", choice->what, lost);
    }
    /* libav decoded no frame of it while opening, so no player could either. */
    if (stream->source->codecpar->format < 0) {
        return fm_fail(err, FM_MEDIA_INVALID, "%s: no frame of %s could be decoded", choice->what,
                       codec);
    }
    stream->way = FM_PLAN_REMUX;
    add_reason(decision, choice->what, "remux, %s fits", codec);
    return true;
}

/* Why a stream whose codec is "auto" has to be encoded; NULL if a remux will do. */
static const char *why_encode(const struct decision *decision, const struct choice *choice,
                              const struct fm_plan_stream *stream)
{
    if (stream->still) {
        return "it becomes a still image";
    }
    if (choice->why_not_auto) {
        return choice->why_not_auto;
    }
    if (!is_carried(decision, choice->carried, stream->source)) {
        return "it does not fit the format";
    }
    if (lacks_exact_times(decision->plan->input)) {
        return "the source lacks exact timestamps";
    }
    return fm_loss_of_remux(decision->plan, decision->output, stream->source);
}

static bool plan_encode(struct decision *decision, const struct choice *choice, const char *why,
                        struct fm_plan_stream *stream, struct fm_error *err)
{
    enum fm_codec codec = choice->asked == FM_CODEC_AUTO ? choice->standard : choice->asked;
    const char *name = fm_formats_encoder(codec);
    const char *from = avcodec_get_name(stream->source->codecpar->codec_id);
    stream->encoder = avcodec_find_encoder_by_name(name);
    if (!stream->encoder) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: there is no encoder %s", choice->what, name);
    }
    const char *to = avcodec_get_name(stream->encoder->id);
    if (!list_has(choice->carried, to)) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: %s does not fit", choice->what, to);
    }
    if (!avcodec_find_decoder(stream->source->codecpar->codec_id)) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: there is no decoder for %s", choice->what,
                       from);
    }
    stream->way = FM_PLAN_ENCODE;
    add_reason(decision, choice->what, "transcode %s to %s, %s", from, to, why);
    return true;
}

/* A codec of "copy" insists on a remux, any other codec on encoding; "auto" remuxes if it can. */
static bool choose_way(struct decision *decision, const struct choice *choice,
                       struct fm_plan_stream *stream, struct fm_error *err)
{
    if (choice->asked == FM_CODEC_COPY) {
        return plan_remux(decision, choice, stream, err);
    }
    const char *why = "requested";
    if (choice->asked == FM_CODEC_AUTO) {
        why = why_encode(decision, choice, stream);
    }
    return why ? plan_encode(decision, choice, why, stream, err)
               : plan_remux(decision, choice, stream, err);
}

/* ---- video ---- */

/* Image viewers ignore the shape of pixels, so those of stills and GIFs are made square. JPEG and
 * GIF may have odd sides. */
static bool plan_size(const struct decision *decision, const struct fm_spec_video *asked,
                      struct fm_plan_stream *stream, struct fm_error *err)
{
    AVFormatContext *input = decision->plan->input;
    const AVCodecParameters *codec = stream->source->codecpar;
    bool gif = decision->output->spec->format == FM_FORMAT_GIF;
    bool turned = fm_probe_rotation(stream->source) % 180 != 0;
    AVRational aspect =
        av_guess_sample_aspect_ratio(input, input->streams[stream->source->index], NULL);
    bool shaped = aspect.num > 0 && aspect.num != aspect.den;
    struct fm_fit_ask ask = {
        .fit = (enum fm_fit)asked->fit,
        .width = turned ? codec->height : codec->width,
        .height = turned ? codec->width : codec->height,
        .aspect = turned && aspect.num > 0 ? av_inv_q(aspect) : aspect,
        .box_width = (int)asked->width,
        .box_height = gif && !asked->width && !asked->height ? GIF_HEIGHT : (int)asked->height,
        .step = stream->still || gif ? 1 : 2,
        .square = (stream->still || gif) && shaped,
    };
    struct fm_fit_size size = {0};
    if (!fm_fit_size(&ask, &size, err)) {
        return false;
    }
    stream->width = size.width;
    stream->height = size.height;
    stream->scaled_width = size.scaled_width;
    stream->scaled_height = size.scaled_height;
    stream->square = size.square;
    return true;
}

/* The average frame rate of a file with a constant rate differs from it by less than this share,
 * because the last frame may be a little longer. */
#define SAME_RATE 0.0005
/* The most often that every frame may have to be repeated, on average, to fill a grid. If it is
 * more, the nominal rate is only the tick of a clock, or the film is a slide show; such video keeps
 * its own times, with a fraction of the frames. */
#define MOST_REPEATS 4

/* Whether video is brought to a constant rate: for formats that are made for it, as the ffmpeg
 * command decides. */
static bool wants_fixed_rate(const struct fm_format_row *format, AVRational rate,
                             AVRational average)
{
    const AVOutputFormat *muxer = av_guess_format(format->muxer, NULL, NULL);
    bool known = average.num > 0 && average.den > 0;
    return muxer && fm_ffmpeg_wants_one_rate(muxer) &&
           (!known || av_q2d(rate) <= av_q2d(average) * MOST_REPEATS);
}

/* libav's guess is the nominal rate; without one, 25 a second as in the ffmpeg command. */
static void plan_rate(const struct fm_plan_output *output, struct fm_plan_stream *stream,
                      AVFormatContext *input)
{
    AVStream *source = input->streams[stream->source->index];
    AVRational guess = av_guess_frame_rate(input, source, NULL), average = source->avg_frame_rate;
    AVRational rate = guess.num > 0 && guess.den > 0 ? guess : (AVRational){25, 1};
    bool measured = average.num > 0 && average.den > 0;
    stream->on_grid = measured && fabs(av_q2d(average) / av_q2d(rate) - 1) < SAME_RATE;
    stream->source_rate = measured && !stream->on_grid ? average : rate;
    stream->fills_grid = !stream->still && wants_fixed_rate(output->format, rate, average);
    stream->frame_rate = stream->fills_grid ? rate : stream->source_rate;
    stream->constant = stream->fills_grid || stream->on_grid;
    stream->alone = input->nb_streams == 1;
}

/* Fewer frames, and one palette for all of them if they can wait in memory until it is chosen. */
static void plan_gif(const struct fm_plan_output *output, struct fm_plan_stream *stream)
{
    double seconds = output->duration_seconds;
    stream->thinned = av_q2d(stream->source_rate) > GIF_FRAME_RATE;
    if (stream->thinned) {
        stream->frame_rate = (AVRational){GIF_FRAME_RATE, 1};
        stream->constant = true;
    }
    bool few = seconds > 0 && fm_estimate_palette(stream, seconds) <= PALETTE_BYTES;
    stream->palette = few ? FM_PLAN_PALETTE_SHARED : FM_PLAN_PALETTE_EACH;
}

static bool plan_quality(const struct fm_spec_video *asked, struct fm_plan_stream *stream,
                         struct fm_error *err)
{
    stream->bit_rate = (int64_t)asked->bitrate;
    stream->crf = (int)asked->crf + (stream->encoder->id == AV_CODEC_ID_VP9 ? VP9_CRF_MORE : 0);
    stream->preset = fm_formats_preset(asked->preset ? asked->preset : DEFAULT_PRESET);
    return stream->preset ||
           fm_fail(err, FM_UNSUPPORTED_CODEC, "no preset is called %s", asked->preset);
}

/* ---- the two streams ---- */

/* Leaves the way at NONE if the output is to have no video, or the source has none and it was not
 * insisted on. */
static bool plan_video(struct decision *decision, const AVStream *source, struct fm_error *err)
{
    const struct fm_spec_output *spec = decision->output->spec;
    const struct fm_format_row *format = decision->output->format;
    const struct fm_spec_video *asked = spec->video ? spec->video : &default_video;
    struct fm_plan_stream *stream = &decision->output->streams[FM_PLAN_VIDEO];
    const char *cut = reason_of_part(decision->output);
    struct choice choice = {"video", (enum fm_codec)asked->codec, format->video,
                            format->video_codecs, cut ? cut : reason_of_video(asked)};
    bool is_auto = choice.asked == FM_CODEC_AUTO;
    stream->still = spec->format == FM_FORMAT_JPG;
    if (choice.asked == FM_CODEC_NONE || (is_auto && format->video == FM_CODEC_NONE)) {
        return true;
    }
    if (!source && is_auto && !stream->still) {
        return true;
    }
    if (!source) {
        return fm_fail(err, FM_NO_MEDIA_FOUND, "%s: the source has no video", spec->name);
    }
    stream->source = source;
    if (!choose_way(decision, &choice, stream, err) || stream->way != FM_PLAN_ENCODE) {
        return stream->way == FM_PLAN_REMUX;
    }
    plan_rate(decision->output, stream, decision->plan->input);
    if (!plan_quality(asked, stream, err) || !plan_size(decision, asked, stream, err)) {
        return false;
    }
    if (spec->format == FM_FORMAT_GIF) {
        plan_gif(decision->output, stream);
    }
    return true;
}

/* Leaves the way at NONE if the source has no audio: an output without it is still of use. */
static bool plan_audio(struct decision *decision, const AVStream *source, struct fm_error *err)
{
    const struct fm_spec_output *spec = decision->output->spec;
    const struct fm_format_row *format = decision->output->format;
    const struct fm_spec_audio *asked = spec->audio ? spec->audio : &default_audio;
    struct fm_plan_stream *stream = &decision->output->streams[FM_PLAN_AUDIO];
    struct choice choice = {"audio", (enum fm_codec)asked->codec, format->audio,
                            format->audio_codecs, NULL};
    if (choice.asked == FM_CODEC_NONE || !source ||
        (choice.asked == FM_CODEC_AUTO && format->audio == FM_CODEC_NONE)) {
        return true;
    }
    const char *cut = reason_of_part(decision->output);
    choice.why_not_auto = cut ? cut : reason_of_audio(asked, source->codecpar);
    stream->source = source;
    if (!choose_way(decision, &choice, stream, err) || stream->way != FM_PLAN_ENCODE) {
        return stream->way == FM_PLAN_REMUX;
    }
    fm_sound_plan(asked, format, stream);
    return true;
}

/* ---- the whole plan ---- */

static const AVStream *find_picture(AVFormatContext *input)
{
    int index = fm_probe_video_stream(input);
    return index < 0 ? NULL : input->streams[index];
}

/* An audio stream without channels is one whose header could not be read; it counts as absent. */
static const AVStream *find_sound(AVFormatContext *input)
{
    int index = fm_probe_audio_stream(input);
    if (index < 0 || input->streams[index]->codecpar->ch_layout.nb_channels <= 0) {
        return NULL;
    }
    return input->streams[index];
}

/* The part in seconds. One that would end after the source ends with it; one that starts after it
 * is TRIM_OUTSIDE. */
static bool plan_part(const struct fm_plan *plan, struct fm_plan_output *output,
                      struct fm_error *err)
{
    const struct fm_spec_trim *trim = output->spec->trim;
    double source = plan->duration_seconds, start = trim ? trim->start_seconds : 0;
    double end = trim && trim->end_seconds < LAST_SECOND ? trim->end_seconds : INFINITY;
    if (source > 0 && end >= source) {
        end = INFINITY;
    }
    if (source > 0 && start > 0 && start >= source) {
        return fm_fail(err, FM_TRIM_OUTSIDE, "%s: starts at %.3f s of %.3f", output->spec->name,
                       start, source);
    }
    output->part = (struct fm_plan_part){start, end};
    output->duration_seconds = isfinite(end) ? end - start : fmax(source - start, 0);
    output->moment_seconds = start + output->spec->at_seconds;
    if (isfinite(end)) {
        output->moment_seconds = fmax(fmin(output->moment_seconds, end - MOMENT_SECONDS), start);
    }
    return true;
}

/* A remux can only begin with a keyframe, so the whole output begins with it, audio included. */
static void move_part_to_keyframe(const struct fm_plan *plan, struct fm_plan_output *output)
{
    const struct fm_plan_stream *picture = &output->streams[FM_PLAN_VIDEO];
    double start = output->part.start_seconds;
    if (picture->way != FM_PLAN_REMUX) {
        return;
    }
    output->part.start_seconds = fm_keyframe_before(plan->input, picture->source, start);
    output->duration_seconds += start - output->part.start_seconds;
}

static bool plan_output(struct fm_plan *plan, struct fm_plan_output *output, struct fm_arena *arena,
                        struct fm_error *err)
{
    struct decision decision = {.plan = plan, .output = output};
    bool planned = plan_part(plan, output, err) &&
                   plan_video(&decision, find_picture(plan->input), err) &&
                   plan_audio(&decision, find_sound(plan->input), err);
    if (planned) {
        output->reason =
            fm_arena_strndup(arena, fm_text_get(&decision.reason), decision.reason.length);
    }
    fm_text_done(&decision.reason);
    if (planned) {
        move_part_to_keyframe(plan, output);
    }
    if (planned && output->streams[FM_PLAN_VIDEO].way == FM_PLAN_NONE &&
        output->streams[FM_PLAN_AUDIO].way == FM_PLAN_NONE) {
        return fm_fail(err, FM_NO_MEDIA_FOUND, "%s: the source has no %s for it",
                       output->spec->name,
                       output->format->video == FM_CODEC_NONE ? "audio" : "stream");
    }
    return planned;
}

/* Video encoders share the threads evenly, at least one each; a still needs no more than one. */
static void share_threads(struct fm_plan *plan)
{
    unsigned encoders = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fm_plan_stream *stream = &plan->outputs[i].streams[FM_PLAN_VIDEO];
        encoders += stream->way == FM_PLAN_ENCODE && !stream->still;
    }
    for (size_t i = 0; i < plan->count; i++) {
        struct fm_plan_stream *stream = &plan->outputs[i].streams[FM_PLAN_VIDEO];
        stream->threads = stream->still ? 1 : FFMAX(plan->threads / FFMAX(encoders, 1), 1);
    }
}

/* Where reading may begin: a margin before the first moment that any output needs. */
static double find_seek(const struct fm_plan *plan)
{
    double first = INFINITY;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fm_plan_output *output = &plan->outputs[i];
        bool still = output->spec->format == FM_FORMAT_JPG;
        first = fmin(first, still ? output->moment_seconds : output->part.start_seconds);
    }
    const char *name = plan->input->iformat->name;
    bool indexed = !strncmp(name, "mov", 3) || !strncmp(name, "matroska", 8);
    if (plan->duration_seconds > 0) {
        first = fmin(first, plan->duration_seconds);
    }
    /* Times that libav invents are counted from the first packet read, so they are right only if
     * that is the first of the file. */
    if (!isfinite(first) || lacks_times(plan->input)) {
        return 0;
    }
    return fmax(first - (indexed ? SEEK_MARGIN_INDEXED : SEEK_MARGIN), 0);
}

bool fm_plan_make(AVFormatContext *input, const struct fm_spec *spec, unsigned threads,
                  struct fm_arena *arena, struct fm_plan *plan, struct fm_error *err)
{
    *plan = (struct fm_plan){
        .input = input,
        .outputs = fm_arena_alloc(arena, spec->outputs.count * sizeof(*plan->outputs)),
        .count = spec->outputs.count,
        .threads = FFMAX(threads, 1),
        .duration_seconds = fm_probe_duration(input),
    };
    for (size_t i = 0; i < plan->count; i++) {
        struct fm_plan_output *output = &plan->outputs[i];
        output->spec = fm_spec_output_at(spec, i);
        output->format = fm_formats_row((enum fm_format)output->spec->format);
        if (output->spec->format != FM_FORMAT_COPY && !plan_output(plan, output, arena, err)) {
            return false;
        }
    }
    share_threads(plan);
    plan->seek_seconds = find_seek(plan);
    uint64_t bytes = fm_estimate_plan(plan);
    if (bytes > FM_SEAL_MEMORY_BYTES) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "the job would need %llu MB of memory",
                       (unsigned long long)(bytes >> 20));
    }
    return true;
}
