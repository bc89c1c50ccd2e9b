/* The decisions, one small function each; none of them reads a packet. */
#include "worker/media/plan.h"

#include <math.h>
#include <string.h>

#include "common/text.h"
#include "worker/media/estimate.h"
#include "worker/media/keyframe.h"
#include "worker/media/loss.h"
#include "worker/media/probe.h"
#include "worker/media/seal.h"
#include "worker/media/sound.h"

#define DEFAULT_CRF 23
#define DEFAULT_PRESET "medium"
/* x264's scale against libvpx's, where they look the same. */
#define VP9_CRF_MORE 9
/* A GIF that is asked for without a size: larger and faster ones are no good as GIF. */
#define GIF_HEIGHT 360
#define GIF_FRAME_RATE 10
/* Frames held for one palette of them all; a longer GIF gets a palette a frame. */
#define PALETTE_BYTES (512ULL << 20)
/* How far before the first moment reading begins, where a container's index is exact and where not.
 */
#define SEEK_MARGIN_INDEXED 0.5
#define SEEK_MARGIN 10.0
/* spec.def's word for the source's end, and how far before a part's end its last moment lies. */
#define LAST_SECOND 1000000.0
#define MOMENT_SECONDS 0.001

/* The spec's own defaults, for an output that says nothing of its picture or sound. */
static const struct fm_spec_video default_video = {.codec = FM_CODEC_AUTO, .crf = DEFAULT_CRF};
static const struct fm_spec_audio default_audio = {.codec = FM_CODEC_AUTO};

/* What is being decided: one output. */
struct decision {
    const struct fm_plan *plan;
    struct fm_plan_output *output;
    struct fm_text reason;
};

/* ---- remux or encode ---- */

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

/* Containers whose packets carry no presentation times of their own: a remux of them may not play.
 */
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

static bool is_carried(const struct decision *decision, const char *carried, const AVStream *source)
{
    const AVCodecParameters *codec = source->codecpar;
    return list_has(carried, avcodec_get_name(codec->codec_id)) &&
           (codec->codec_type != AVMEDIA_TYPE_AUDIO ||
            fm_sound_is_carried(decision->output->format, codec));
}

/* Packets of program streams have a time now and then, and none where pictures are reordered. */
static bool lacks_exact_times(const AVFormatContext *input)
{
    return lacks_times(input) || !strcmp(input->iformat->name, "mpeg");
}

static const char *reason_of_part(const struct fm_plan_output *output)
{
    bool is_part = output->part.start_seconds > 0 || isfinite(output->part.end_seconds);
    return is_part && output->spec->trim->accuracy == FM_ACCURACY_EXACT ? "an exact cut is asked"
                                                                        : NULL;
}

static const char *reason_of_video(const struct fm_spec_video *video)
{
    if (video->width || video->height) {
        return "a size is asked";
    }
    if (video->bitrate) {
        return "a bitrate is asked";
    }
    if (video->crf != DEFAULT_CRF || video->preset) {
        return "a quality is asked";
    }
    return NULL;
}

static const char *reason_of_audio(const struct fm_spec_audio *audio,
                                   const AVCodecParameters *source)
{
    if (audio->bitrate) {
        return "a bitrate is asked";
    }
    if (audio->channels && audio->channels != (uint64_t)source->ch_layout.nb_channels) {
        return "other channels are asked";
    }
    if (audio->sample_rate && audio->sample_rate != (uint64_t)source->sample_rate) {
        return "another sample rate is asked";
    }
    return NULL;
}

/* What one stream's decision rests on, picture or sound. */
struct choice {
    const char *what;
    enum fm_codec asked, standard;
    const char *carried;      /* codecs the format carries */
    const char *why_not_auto; /* something is asked that a remux cannot give, or NULL */
};

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
    /* Nobody could play what not one frame could be decoded of. */
    if (stream->source->codecpar->format < 0) {
        return fm_fail(err, FM_MEDIA_INVALID, "%s: not a frame of %s could be decoded",
                       choice->what, codec);
    }
    stream->way = FM_PLAN_REMUX;
    add_reason(decision, choice->what, "remux, %s fits", codec);
    return true;
}

/* Why an automatic stream cannot stay as it is; NULL when it can. */
static const char *why_encode(const struct decision *decision, const struct choice *choice,
                              const struct fm_plan_stream *stream)
{
    if (stream->still) {
        return "a still";
    }
    if (choice->why_not_auto) {
        return choice->why_not_auto;
    }
    if (!is_carried(decision, choice->carried, stream->source)) {
        return "it does not fit the format";
    }
    if (lacks_exact_times(decision->plan->input)) {
        return "the source lacks exact times";
    }
    return fm_loss_of_remux(decision->plan, decision->output, stream->source);
}

static bool plan_encode(struct decision *decision, const struct choice *choice, const char *why,
                        struct fm_plan_stream *stream, struct fm_error *err)
{
    enum fm_codec codec = choice->asked == FM_CODEC_AUTO ? choice->standard : choice->asked;
    const char *name = fm_operations_encoder(codec);
    const char *from = avcodec_get_name(stream->source->codecpar->codec_id);
    stream->encoder = avcodec_find_encoder_by_name(name);
    if (!stream->encoder) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: no encoder %s", choice->what, name);
    }
    const char *to = avcodec_get_name(stream->encoder->id);
    if (!list_has(choice->carried, to)) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: %s does not fit", choice->what, to);
    }
    if (!avcodec_find_decoder(stream->source->codecpar->codec_id)) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: no decoder of %s", choice->what, from);
    }
    stream->way = FM_PLAN_ENCODE;
    add_reason(decision, choice->what, "transcode %s to %s, %s", from, to, why);
    return true;
}

static bool choose_way(struct decision *decision, const struct choice *choice,
                       struct fm_plan_stream *stream, struct fm_error *err)
{
    if (choice->asked == FM_CODEC_COPY) {
        return plan_remux(decision, choice, stream, err);
    }
    const char *why = "asked";
    if (choice->asked == FM_CODEC_AUTO) {
        why = why_encode(decision, choice, stream);
    }
    return why ? plan_encode(decision, choice, why, stream, err)
               : plan_remux(decision, choice, stream, err);
}

/* ---- the picture ---- */

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

/* Averages over a file whose last frame is a little long are off by less than this. */
#define SAME_RATE 0.0005
/* Each picture may be shown this often to fill a grid. Beyond it the grid is a clock's ticks and no
 * rate, or the film a row of stills: those keep their own times, in a fraction of the frames. */
#define MOST_REPEATS 4

/* Formats that are made for one rate get it, as the ffmpeg command decides it. */
static bool wants_fixed_rate(const struct fm_format_row *format, AVRational rate,
                             AVRational average)
{
    const AVOutputFormat *muxer = av_guess_format(format->muxer, NULL, NULL);
    bool known = average.num > 0 && average.den > 0;
    return muxer && !(muxer->flags & AVFMT_VARIABLE_FPS) &&
           (!known || av_q2d(rate) <= av_q2d(average) * MOST_REPEATS);
}

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

/* Fewer frames, and colours out of a palette: of them all, where they can wait for it. */
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
    stream->preset = fm_operations_preset(asked->preset ? asked->preset : DEFAULT_PRESET);
    return stream->preset ||
           fm_fail(err, FM_UNSUPPORTED_CODEC, "no preset is called %s", asked->preset);
}

/* ---- the two streams ---- */

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
        return fm_fail(err, FM_NO_MEDIA_FOUND, "%s: the source has no picture", spec->name);
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

/* ---- the whole ---- */

static const AVStream *find_picture(AVFormatContext *input)
{
    int index = fm_probe_video_stream(input);
    return index < 0 ? NULL : input->streams[index];
}

/* Sound of which not even the channels could be read is none. */
static const AVStream *find_sound(AVFormatContext *input)
{
    int index = fm_probe_audio_stream(input);
    if (index < 0 || input->streams[index]->codecpar->ch_layout.nb_channels <= 0) {
        return NULL;
    }
    return input->streams[index];
}

/* A part that would end behind the source ends with it. */
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
        return fm_fail(err, FM_TRIM_OUTSIDE, "%s: %.3f s of %.3f", output->spec->name, start,
                       source);
    }
    output->part = (struct fm_plan_part){start, end};
    output->duration_seconds = isfinite(end) ? end - start : fmax(source - start, 0);
    output->moment_seconds = start + output->spec->at_seconds;
    if (isfinite(end)) {
        output->moment_seconds = fmax(fmin(output->moment_seconds, end - MOMENT_SECONDS), start);
    }
    return true;
}

/* A remux begins with a keyframe: all of the output does then. */
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
                       output->format->video == FM_CODEC_NONE ? "sound" : "stream");
    }
    return planned;
}

/* Each encoder gets its share of the threads. */
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

/* Nothing is needed of what comes long before the first moment or part. */
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
    /* Times that are counted from the first frame on are wrong from anywhere else on. */
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
        output->format = fm_operations_format((enum fm_format)output->spec->format);
        if (output->spec->format != FM_FORMAT_COPY && !plan_output(plan, output, arena, err)) {
            return false;
        }
    }
    share_threads(plan);
    plan->seek_seconds = find_seek(plan);
    uint64_t bytes = fm_estimate_plan(plan);
    if (bytes > FM_SEAL_MEMORY_BYTES) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "it would take %llu MB of memory",
                       (unsigned long long)(bytes >> 20));
    }
    return true;
}
