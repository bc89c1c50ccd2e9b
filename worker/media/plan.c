/* The decisions, one small function each; none of them reads a packet. */
#include "worker/media/plan.h"

#include <libavutil/pixdesc.h>
#include <math.h>
#include <string.h>

#include "common/text.h"
#include "worker/media/probe.h"
#include "worker/media/seal.h"

#define DEFAULT_CRF 23
#define DEFAULT_PRESET "medium"
#define MOST_CHANNELS_UNASKED 2
#define DEFAULT_SAMPLE_RATE 44100
/* How far before a lone still reading begins, where a container's index is exact and where not. */
#define SEEK_MARGIN_INDEXED 0.5
#define SEEK_MARGIN 10.0

/* The spec's own defaults, for an output that says nothing of its picture or sound. */
static const struct fm_spec_video unasked_video = {.codec = FM_CODEC_AUTO, .crf = DEFAULT_CRF};
static const struct fm_spec_audio unasked_audio = {.codec = FM_CODEC_AUTO};

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
    for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* Containers whose packets carry no presentation times of their own: a remux of them may not play.
 */
static bool lacks_times(const AVFormatContext *input)
{
    static const char *const names[] = {"avi", "h264", "hevc", "m4v", "mpegvideo", "obu", "mjpeg"};
    for (size_t i = 0; i < FM_COUNT(names); i++)
        if (!strcmp(input->iformat->name, names[i]))
            return true;
    return false;
}

static const char *asked_of_video(const struct fm_spec_video *video)
{
    if (video->width || video->height)
        return "a size is asked";
    if (video->bitrate)
        return "a bitrate is asked";
    if (video->crf != DEFAULT_CRF || video->preset)
        return "a quality is asked";
    return NULL;
}

static const char *asked_of_audio(const struct fm_spec_audio *audio,
                                  const AVCodecParameters *source)
{
    if (audio->bitrate)
        return "a bitrate is asked";
    if (audio->channels && audio->channels != (uint64_t)source->ch_layout.nb_channels)
        return "other channels are asked";
    if (audio->sample_rate && audio->sample_rate != (uint64_t)source->sample_rate)
        return "another sample rate is asked";
    return NULL;
}

/* What one stream's decision rests on, picture or sound. */
struct choice {
    const char *what;
    enum fm_codec asked, standard;
    const char *fitting;      /* codecs the format carries */
    const char *why_not_auto; /* something is asked that a remux cannot give, or NULL */
};

static void tell(struct decision *decision, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct decision *decision, const char *what, const char *format, ...)
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
    if (!list_has(choice->fitting, codec) || stream->still)
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: %s does not fit", choice->what, codec);
    /* Nobody could play what not one frame could be decoded of. */
    if (stream->source->codecpar->format < 0)
        return fm_fail(err, FM_MEDIA_INVALID, "%s: not a frame of %s could be decoded",
                       choice->what, codec);
    stream->way = FM_PLAN_REMUX;
    tell(decision, choice->what, "remux, %s fits", codec);
    return true;
}

/* Why an automatic stream cannot stay as it is; NULL when it can. */
static const char *why_encode(const struct decision *decision, const struct choice *choice,
                              const struct fm_plan_stream *stream)
{
    if (stream->still)
        return "a still";
    if (choice->why_not_auto)
        return choice->why_not_auto;
    if (!list_has(choice->fitting, avcodec_get_name(stream->source->codecpar->codec_id)))
        return "it does not fit the format";
    if (lacks_times(decision->plan->input))
        return "the source lacks exact times";
    return NULL;
}

static bool plan_encode(struct decision *decision, const struct choice *choice, const char *why,
                        struct fm_plan_stream *stream, struct fm_error *err)
{
    enum fm_codec codec = choice->asked == FM_CODEC_AUTO ? choice->standard : choice->asked;
    const char *name = fm_operations_encoder(codec);
    const char *from = avcodec_get_name(stream->source->codecpar->codec_id);
    stream->encoder = avcodec_find_encoder_by_name(name);
    if (!stream->encoder)
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: no encoder %s", choice->what, name);
    const char *to = avcodec_get_name(stream->encoder->id);
    if (!list_has(choice->fitting, to))
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: %s does not fit", choice->what, to);
    if (!avcodec_find_decoder(stream->source->codecpar->codec_id))
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "%s: no decoder of %s", choice->what, from);
    stream->way = FM_PLAN_ENCODE;
    tell(decision, choice->what, "transcode %s to %s, %s", from, to, why);
    return true;
}

static bool choose_way(struct decision *decision, const struct choice *choice,
                       struct fm_plan_stream *stream, struct fm_error *err)
{
    if (choice->asked == FM_CODEC_COPY)
        return plan_remux(decision, choice, stream, err);
    const char *why = "asked";
    if (choice->asked == FM_CODEC_AUTO)
        why = why_encode(decision, choice, stream);
    return why ? plan_encode(decision, choice, why, stream, err)
               : plan_remux(decision, choice, stream, err);
}

/* ---- sizes ---- */

static int at_least(int value, int step)
{
    return FFMAX(value / step * step, step);
}

static int nearest(double value, int step, int most)
{
    return FFMIN(at_least((int)lround(value / step) * step, step), most);
}

struct fm_plan_size fm_plan_fit(struct fm_plan_size source, AVRational aspect,
                                struct fm_plan_size box, int step)
{
    double shape = aspect.num > 0 && aspect.den > 0 ? av_q2d(aspect) : 1;
    double width = source.width * fmax(shape, 1), height = source.height / fmin(shape, 1);
    int most_width = at_least(box.width > 0 ? box.width : INT_MAX, step);
    int most_height = at_least(box.height > 0 ? box.height : INT_MAX, step);
    double ratio = fmin(most_width / width, most_height / height);
    if (ratio >= 1 && !box.square)
        return (struct fm_plan_size){at_least(source.width, step), at_least(source.height, step),
                                     false};
    ratio = fmin(ratio, 1);
    return (struct fm_plan_size){nearest(width * ratio, step, most_width),
                                 nearest(height * ratio, step, most_height), true};
}

static void plan_size(const struct fm_spec_video *asked, struct fm_plan_stream *stream,
                      AVFormatContext *input)
{
    const AVCodecParameters *codec = stream->source->codecpar;
    struct fm_plan_size source = {codec->width, codec->height, false};
    /* The guess only reads; libav's prototype predates const. */
    AVRational aspect =
        av_guess_sample_aspect_ratio(input, input->streams[stream->source->index], NULL);
    if (fm_probe_rotation(stream->source) % 180 != 0) {
        source = (struct fm_plan_size){codec->height, codec->width, false};
        aspect = aspect.num > 0 ? av_inv_q(aspect) : aspect;
    }
    bool shaped = stream->still && aspect.num > 0 && aspect.num != aspect.den;
    struct fm_plan_size box = {(int)asked->width, (int)asked->height, shaped};
    struct fm_plan_size size = fm_plan_fit(source, aspect, box, stream->still ? 1 : 2);
    stream->width = size.width;
    stream->height = size.height;
    stream->square = size.square;
}

/* ---- the two streams ---- */

/* Averages over a file whose last frame is a little long are off by less than this. */
#define SAME_RATE 0.0005

static void plan_rate(struct fm_plan_stream *stream, AVFormatContext *input)
{
    AVStream *source = input->streams[stream->source->index];
    AVRational guess = av_guess_frame_rate(input, source, NULL), average = source->avg_frame_rate;
    stream->frame_rate = guess.num > 0 && guess.den > 0 ? guess : (AVRational){25, 1};
    if (average.num <= 0 || average.den <= 0)
        return;
    stream->constant = fabs(av_q2d(average) / av_q2d(stream->frame_rate) - 1) < SAME_RATE;
    if (!stream->constant)
        stream->frame_rate = average;
}

static bool plan_video(struct decision *decision, const AVStream *source, struct fm_error *err)
{
    const struct fm_spec_output *spec = decision->output->spec;
    const struct fm_format_row *format = decision->output->format;
    const struct fm_spec_video *asked = spec->video ? spec->video : &unasked_video;
    struct fm_plan_stream *stream = &decision->output->streams[FM_PLAN_VIDEO];
    struct choice choice = {"video", (enum fm_codec)asked->codec, format->video,
                            format->video_codecs, asked_of_video(asked)};
    bool is_auto = choice.asked == FM_CODEC_AUTO;
    stream->still = spec->format == FM_FORMAT_JPG;
    if (choice.asked == FM_CODEC_NONE || (is_auto && format->video == FM_CODEC_NONE))
        return true;
    if (!source && is_auto && !stream->still)
        return true;
    if (!source)
        return fm_fail(err, FM_NO_MEDIA_FOUND, "%s: the source has no picture", spec->name);
    stream->source = source;
    if (!choose_way(decision, &choice, stream, err) || stream->way != FM_PLAN_ENCODE)
        return stream->way == FM_PLAN_REMUX;
    stream->bit_rate = (int64_t)asked->bitrate;
    stream->crf = (int)asked->crf;
    stream->preset = asked->preset ? asked->preset : DEFAULT_PRESET;
    plan_size(asked, stream, decision->plan->input);
    plan_rate(stream, decision->plan->input);
    return true;
}

static int nearest_sample_rate(const AVCodec *encoder, int rate)
{
    int best = 0;
    for (const int *at = encoder->supported_samplerates; at && *at; at++)
        if (!best || abs(*at - rate) < abs(best - rate))
            best = *at;
    return best ? best : rate;
}

/* Floats where the encoder takes them: decoders mostly give them. */
static enum AVSampleFormat choose_sample_format(const AVCodec *encoder)
{
    for (const enum AVSampleFormat *at = encoder->sample_fmts; *at != AV_SAMPLE_FMT_NONE; at++)
        if (*at == AV_SAMPLE_FMT_FLTP)
            return *at;
    return encoder->sample_fmts[0];
}

static void plan_sound(const struct fm_spec_audio *asked, const AVCodecParameters *source,
                       struct fm_plan_stream *stream)
{
    int rate = asked->sample_rate ? (int)asked->sample_rate : source->sample_rate;
    int channels = (int)asked->channels;
    if (!channels)
        channels = av_clip(source->ch_layout.nb_channels, 1, MOST_CHANNELS_UNASKED);
    bool is_mp3 = stream->encoder->id == AV_CODEC_ID_MP3;
    int64_t standard = is_mp3 ? 192000 : 128000;
    stream->channels = is_mp3 ? FFMIN(channels, 2) : channels;
    stream->sample_rate =
        nearest_sample_rate(stream->encoder, rate > 0 ? rate : DEFAULT_SAMPLE_RATE);
    stream->bit_rate = asked->bitrate ? (int64_t)asked->bitrate : standard;
    stream->sample_format = choose_sample_format(stream->encoder);
}

static bool plan_audio(struct decision *decision, const AVStream *source, struct fm_error *err)
{
    const struct fm_spec_output *spec = decision->output->spec;
    const struct fm_format_row *format = decision->output->format;
    const struct fm_spec_audio *asked = spec->audio ? spec->audio : &unasked_audio;
    struct fm_plan_stream *stream = &decision->output->streams[FM_PLAN_AUDIO];
    struct choice choice = {"audio", (enum fm_codec)asked->codec, format->audio,
                            format->audio_codecs, NULL};
    if (choice.asked == FM_CODEC_NONE || !source ||
        (choice.asked == FM_CODEC_AUTO && format->audio == FM_CODEC_NONE))
        return true;
    choice.why_not_auto = asked_of_audio(asked, source->codecpar);
    stream->source = source;
    if (!choose_way(decision, &choice, stream, err) || stream->way != FM_PLAN_ENCODE)
        return stream->way == FM_PLAN_REMUX;
    plan_sound(asked, source->codecpar, stream);
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
    if (index < 0 || input->streams[index]->codecpar->ch_layout.nb_channels <= 0)
        return NULL;
    return input->streams[index];
}

static bool plan_output(struct fm_plan *plan, struct fm_plan_output *output, struct fm_arena *arena,
                        struct fm_error *err)
{
    struct decision decision = {.plan = plan, .output = output};
    bool planned = plan_video(&decision, find_picture(plan->input), err) &&
                   plan_audio(&decision, find_sound(plan->input), err);
    if (planned)
        output->reason =
            fm_arena_strndup(arena, fm_text_get(&decision.reason), decision.reason.length);
    fm_text_done(&decision.reason);
    if (planned && output->streams[FM_PLAN_VIDEO].way == FM_PLAN_NONE &&
        output->streams[FM_PLAN_AUDIO].way == FM_PLAN_NONE)
        return fm_fail(err, FM_NO_MEDIA_FOUND, "%s: the source has no %s for it",
                       output->spec->name,
                       output->format->video == FM_CODEC_NONE ? "sound" : "stream");
    return planned;
}

/* Frames a preset's look-ahead and its references hold (x264's table of presets). */
static const struct {
    const char *name;
    int lookahead, references;
} presets[] = {
    {"ultrafast", 0, 1},  {"superfast", 0, 1}, {"veryfast", 10, 1}, {"faster", 20, 2},
    {"fast", 30, 2},      {"medium", 40, 3},   {"slow", 50, 5},     {"slower", 60, 8},
    {"veryslow", 60, 16}, {"placebo", 60, 16},
};

/* x264 keeps 3 bytes a pixel of a frame looked ahead at (picture, half-size copy, block costs) and
 * 6 of a reference (its half-pixel planes too). 4K at medium with 4 threads: 1.6 GB; measured,
 * 1.5 to 1.75. */
static uint64_t estimate_encoder(const struct fm_plan_stream *stream)
{
    uint64_t pixels = (uint64_t)stream->width * (uint64_t)stream->height;
    int lookahead = 60, references = 16;
    for (size_t i = 0; i < FM_COUNT(presets); i++)
        if (stream->preset && !strcmp(presets[i].name, stream->preset)) {
            lookahead = presets[i].lookahead;
            references = presets[i].references;
        }
    if (stream->still)
        lookahead = references = 0;
    uint64_t ahead = (uint64_t)lookahead + stream->threads + 4;
    uint64_t kept = (uint64_t)references + stream->threads + 4;
    return pixels * (3 * ahead + 6 * kept);
}

/* A decoder holds up to 16 references, a frame a thread, and what waits in the pipes. */
static uint64_t estimate_decoder(const AVCodecParameters *codec, unsigned threads)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)codec->format);
    uint64_t bits = format ? (uint64_t)av_get_padded_bits_per_pixel(format) : 16;
    uint64_t frame = (uint64_t)codec->width * (uint64_t)codec->height * bits / 8;
    return frame * (8 + threads + 8);
}

uint64_t fm_plan_estimate(const struct fm_plan *plan)
{
    uint64_t bytes = 200ULL << 20; /* libraries' data, packets, sound */
    bool decodes = false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fm_plan_stream *stream = &plan->outputs[i].streams[FM_PLAN_VIDEO];
        if (stream->way != FM_PLAN_ENCODE)
            continue;
        bytes += estimate_encoder(stream);
        if (!decodes)
            bytes += estimate_decoder(stream->source->codecpar, plan->threads);
        decodes = true;
    }
    return bytes;
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

/* Stills alone need nothing of what comes long before the first of them. */
static double find_seek(const struct fm_plan *plan)
{
    double first = INFINITY;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->outputs[i].spec->format != FM_FORMAT_JPG)
            return 0;
        first = fmin(first, plan->outputs[i].spec->at_seconds);
    }
    const char *name = plan->input->iformat->name;
    bool indexed = !strncmp(name, "mov", 3) || !strncmp(name, "matroska", 8);
    if (plan->duration_seconds > 0)
        first = fmin(first, plan->duration_seconds);
    return isfinite(first) ? fmax(first - (indexed ? SEEK_MARGIN_INDEXED : SEEK_MARGIN), 0) : 0;
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
        if (output->spec->format != FM_FORMAT_COPY && !plan_output(plan, output, arena, err))
            return false;
    }
    share_threads(plan);
    plan->seek_seconds = find_seek(plan);
    uint64_t bytes = fm_plan_estimate(plan);
    if (bytes > FM_SEAL_MEMORY_BYTES)
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "it would take %llu MB of memory",
                       (unsigned long long)(bytes >> 20));
    return true;
}
