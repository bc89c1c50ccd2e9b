/*
 * First the graphs, video and audio, then the frames that go through them. What the graphs do to a
 * picture is what the ffmpeg command would have them do.
 */
#include "worker/media/filter.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <string.h>

#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"
#include "worker/media/probe.h"
#include "worker/media/sound.h"

bool fm_filter_init(struct fm_filter *filter, const struct fm_plan_stream *plan,
                    struct fm_error *err)
{
    *filter = (struct fm_filter){.plan = plan, .pixels = AV_PIX_FMT_NONE};
    filter->shape = av_frame_alloc();
    filter->out = av_frame_alloc();
    if (!filter->shape || !filter->out) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "filter");
    }
    return true;
}

static bool is_video(const struct fm_filter *filter)
{
    return filter->plan->source->codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
}

/* ---- building a graph: each function appends filters to the end of the chain ---- */

struct chain {
    AVFilterGraph *graph;
    AVFilterContext *last; /* the filter that the next one is linked to */
    int result;            /* the first error; after it, appending does nothing */
};

static AVFilterContext *append_filter(struct chain *chain, const char *name, const char *options)
{
    AVFilterContext *next = NULL;
    if (chain->result >= 0) {
        chain->result = avfilter_graph_create_filter(&next, avfilter_get_by_name(name), name,
                                                     options, NULL, chain->graph);
    }
    if (chain->result >= 0) {
        chain->result = avfilter_link(chain->last, 0, next, 0);
    }
    if (chain->result >= 0) {
        chain->last = next;
    }
    return next;
}

/* Does what the display matrix asks for, taken apart as in the ffmpeg command: a quarter turn with
 * its mirror, or a flip of each axis that the matrix mirrors. */
static void append_rotation(struct chain *chain, const AVStream *stream)
{
    const AVPacketSideData *side = fm_ffmpeg_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX);
    int32_t matrix[9];
    if (!side || side->size < sizeof(matrix)) {
        return;
    }
    memcpy(matrix, side->data, sizeof(matrix));
    int degrees = fm_probe_rotation(stream);
    if (degrees == 90) {
        append_filter(chain, "transpose", matrix[3] > 0 ? "cclock_flip" : "clock");
    }
    if (degrees == 270) {
        append_filter(chain, "transpose", matrix[3] < 0 ? "clock_flip" : "cclock");
    }
    if (degrees == 180 && matrix[0] < 0) {
        append_filter(chain, "hflip", NULL);
    }
    if (degrees % 180 == 0 && matrix[4] < 0) {
        append_filter(chain, "vflip", NULL);
    }
}

/* Whether cropping at most one pixel is enough. 4:2:0 needs even sides; to scale a whole picture by
 * one pixel would blur it for nothing. */
static bool cuts_edge(int from, int to)
{
    return from == to || from == to + 1;
}

/* Brings a picture of width x height to the plan's size. Cropping keeps the middle, or, for an odd
 * `edge`, all but the last column and row; padding puts black around it. */
static void append_box(struct chain *chain, const struct fm_plan_stream *plan, bool edge, int width,
                       int height)
{
    char options[96];
    if (width > plan->width || height > plan->height) {
        snprintf(options, sizeof(options), "w=%d:h=%d%s", plan->width, plan->height,
                 edge ? ":x=0:y=0" : "");
        append_filter(chain, "crop", options);
    }
    if (width < plan->width || height < plan->height) {
        snprintf(options, sizeof(options), "w=%d:h=%d:x=(ow-iw)/2:y=(oh-ih)/2", plan->width,
                 plan->height);
        append_filter(chain, "pad", options);
    }
}

static void append_size(struct chain *chain, const struct fm_plan_stream *plan,
                        const AVFrame *frame)
{
    bool turned = fm_probe_rotation(plan->source) % 180 != 0;
    int width = turned ? frame->height : frame->width;
    int height = turned ? frame->width : frame->height;
    /* JFIF prescribes full range and BT.601 (ITU-T T.871), whatever the film uses. */
    const char *still = plan->still ? ":out_range=full:out_color_matrix=bt601" : "";
    char options[128];
    bool cut = !plan->still && !plan->square && cuts_edge(width, plan->width) &&
               cuts_edge(height, plan->height);
    if (!cut) {
        snprintf(options, sizeof(options), "w=%d:h=%d:flags=bicubic%s", plan->scaled_width,
                 plan->scaled_height, still);
        append_filter(chain, "scale", options);
        width = plan->scaled_width;
        height = plan->scaled_height;
    }
    append_box(chain, plan, cut, width, height);
    if (plan->square) {
        append_filter(chain, "setsar", "sar=1");
    }
}

static bool encoder_accepts(const AVCodec *encoder, enum AVPixelFormat format)
{
    for (const enum AVPixelFormat *at = fm_ffmpeg_pixel_formats(encoder);
         at && *at != AV_PIX_FMT_NONE; at++) {
        if (*at == format) {
            return true;
        }
    }
    return false;
}

/* 4:2:0 with 8 bits, which every player can show, or a palette for GIF. Full range for stills and
 * for sources that have it, if the encoder accepts it. */
static enum AVPixelFormat choose_pixels(const struct fm_plan_stream *plan, const AVFrame *frame)
{
    const char *name = av_get_pix_fmt_name((enum AVPixelFormat)frame->format);
    bool full = plan->still || (name && !strncmp(name, "yuvj", 4));
    if (plan->palette != FM_PLAN_PALETTE_NONE) {
        return AV_PIX_FMT_PAL8;
    }
    return full && encoder_accepts(plan->encoder, AV_PIX_FMT_YUVJ420P) ? AV_PIX_FMT_YUVJ420P
                                                                       : AV_PIX_FMT_YUV420P;
}

/* Every frame goes two ways: to palettegen, which chooses the colours, and to paletteuse, which
 * draws with them. A palette shared by all frames is complete only at the end, so until then all
 * frames wait in the graph; the plan shares one only if they fit into memory. */
static void append_palette(struct chain *chain, enum fm_plan_palette palette)
{
    bool each = palette == FM_PLAN_PALETTE_EACH;
    append_filter(chain, "split", NULL);
    AVFilterContext *split = chain->last;
    append_filter(chain, "palettegen", each ? "stats_mode=single" : "stats_mode=full");
    AVFilterContext *colours = chain->last;
    if (chain->result < 0) {
        return;
    }
    chain->last = split;
    AVFilterContext *use = NULL;
    chain->result =
        avfilter_graph_create_filter(&use, avfilter_get_by_name("paletteuse"), "paletteuse",
                                     each ? "new=1" : NULL, NULL, chain->graph);
    if (chain->result >= 0) {
        chain->result = avfilter_link(split, 1, use, 0);
    }
    if (chain->result >= 0) {
        chain->result = avfilter_link(colours, 0, use, 1);
    }
    chain->last = use;
}

static void append_video(struct fm_filter *filter, struct chain *chain, const AVFrame *frame)
{
    const struct fm_plan_stream *plan = filter->plan;
    char options[64];
    if (filter->pixels == AV_PIX_FMT_NONE) {
        filter->pixels = choose_pixels(plan, frame);
    }
    if (plan->thinned) {
        /* "pass" rounds up at the end: a film shorter than a frame of the GIF still has one. */
        snprintf(options, sizeof(options), "fps=%d/%d:eof_action=pass", plan->frame_rate.num,
                 plan->frame_rate.den);
        append_filter(chain, "fps", options);
    }
    append_rotation(chain, plan->source);
    append_size(chain, plan, frame);
    if (plan->palette != FM_PLAN_PALETTE_NONE) {
        append_palette(chain, plan->palette);
    }
    snprintf(options, sizeof(options), "pix_fmts=%s", av_get_pix_fmt_name(filter->pixels));
    append_filter(chain, "format", options);
    filter->sink = append_filter(chain, "buffersink", NULL);
}

static void append_audio(struct fm_filter *filter, struct chain *chain)
{
    const struct fm_plan_stream *plan = filter->plan;
    AVChannelLayout layout = {0};
    char name[64] = "", options[192];
    fm_sound_layout(plan->encoder->id, plan->channels, &layout);
    av_channel_layout_describe(&layout, name, sizeof(name));
    av_channel_layout_uninit(&layout);
    snprintf(options, sizeof(options), "sample_fmts=%s:sample_rates=%d:channel_layouts=%s",
             av_get_sample_fmt_name(plan->sample_format), plan->sample_rate, name);
    append_filter(chain, "aformat", options);
    filter->sink = append_filter(chain, "abuffersink", NULL);
}

/* Tells the graph's source what frames it will get; later frames have to look the same. */
static int set_source(struct fm_filter *filter, const AVFrame *frame)
{
    AVBufferSrcParameters *parameters = av_buffersrc_parameters_alloc();
    if (!parameters) {
        return AVERROR(ENOMEM);
    }
    parameters->format = frame->format;
    parameters->time_base = frame->time_base;
    parameters->width = frame->width;
    parameters->height = frame->height;
    parameters->sample_aspect_ratio = frame->sample_aspect_ratio;
    parameters->frame_rate = filter->plan->source_rate;
    fm_ffmpeg_set_colours(parameters, frame);
    parameters->sample_rate = frame->sample_rate;
    int result = av_channel_layout_copy(&parameters->ch_layout, &frame->ch_layout);
    if (result >= 0) {
        result = av_buffersrc_parameters_set(filter->source, parameters);
    }
    av_channel_layout_uninit(&parameters->ch_layout);
    av_free(parameters);
    return result >= 0 ? avfilter_init_str(filter->source, NULL) : result;
}

static int build_graph(struct fm_filter *filter, const AVFrame *frame)
{
    filter->graph = avfilter_graph_alloc();
    if (!filter->graph) {
        return AVERROR(ENOMEM);
    }
    /* Each branch has a thread of its own already, and codecs have theirs. */
    filter->graph->nb_threads = 1;
    filter->graph->scale_sws_opts = av_strdup("flags=bicubic");
    const char *source = is_video(filter) ? "buffer" : "abuffer";
    filter->source =
        avfilter_graph_alloc_filter(filter->graph, avfilter_get_by_name(source), source);
    if (!filter->source) {
        return AVERROR(ENOMEM);
    }
    struct chain chain = {filter->graph, filter->source, set_source(filter, frame)};
    if (is_video(filter)) {
        append_video(filter, &chain, frame);
    } else {
        append_audio(filter, &chain);
    }
    if (chain.result >= 0) {
        chain.result = avfilter_graph_config(filter->graph, NULL);
    }
    if (chain.result >= 0 && filter->frame_size > 0) {
        av_buffersink_set_frame_size(filter->sink, (unsigned)filter->frame_size);
    }
    return chain.result;
}

/* ---- frames ---- */

static bool fits_graph(const struct fm_filter *filter, const AVFrame *frame)
{
    const AVFrame *shape = filter->shape;
    return filter->graph && frame->format == shape->format && frame->width == shape->width &&
           frame->height == shape->height && frame->sample_rate == shape->sample_rate &&
           av_cmp_q(frame->sample_aspect_ratio, shape->sample_aspect_ratio) == 0 &&
           fm_ffmpeg_has_colours(frame, shape) &&
           av_channel_layout_compare(&frame->ch_layout, &shape->ch_layout) == 0;
}

static bool remember_shape(struct fm_filter *filter, const AVFrame *frame, struct fm_error *err)
{
    AVFrame *shape = filter->shape;
    shape->format = frame->format;
    shape->width = frame->width;
    shape->height = frame->height;
    shape->sample_rate = frame->sample_rate;
    shape->sample_aspect_ratio = frame->sample_aspect_ratio;
    shape->colorspace = frame->colorspace;
    shape->color_range = frame->color_range;
    int result = av_channel_layout_copy(&shape->ch_layout, &frame->ch_layout);
    return result < 0 ? fm_libav_error_fail(err, result, "filter") : true;
}

static bool pull_frames(struct fm_filter *filter, fm_filter_on_frame *on_frame, void *context,
                        struct fm_error *err)
{
    for (;;) {
        int result = av_buffersink_get_frame(filter->sink, filter->out);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) {
            return true;
        }
        if (result < 0) {
            return fm_libav_error_fail(err, result, "filter");
        }
        filter->out->time_base = av_buffersink_get_time_base(filter->sink);
        bool taken = on_frame(context, filter->out, err);
        av_frame_unref(filter->out);
        if (!taken) {
            return false;
        }
    }
}

/* Hands on every frame that is still inside and frees the graph. */
static bool drain_graph(struct fm_filter *filter, fm_filter_on_frame *on_frame, void *context,
                        struct fm_error *err)
{
    if (!filter->graph) {
        return true;
    }
    int result = av_buffersrc_close(filter->source, filter->end, 0);
    bool drained = result < 0 ? fm_libav_error_fail(err, result, "filter")
                              : pull_frames(filter, on_frame, context, err);
    avfilter_graph_free(&filter->graph);
    return drained;
}

/* Some sources give a number of channels without saying which is which; libavfilter needs to know,
 * so they get the usual layout of that number. */
static void name_channels(AVFrame *frame)
{
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC && frame->ch_layout.nb_channels > 0) {
        av_channel_layout_default(&frame->ch_layout, frame->ch_layout.nb_channels);
    }
}

static bool push_frame(struct fm_filter *filter, AVFrame *frame, fm_filter_on_frame *on_frame,
                       void *context, struct fm_error *err)
{
    name_channels(frame);
    if (!fits_graph(filter, frame)) {
        if (!drain_graph(filter, on_frame, context, err) || !remember_shape(filter, frame, err)) {
            return false;
        }
        int result = build_graph(filter, frame);
        if (result < 0) {
            return fm_libav_error_fail(err, result, "filter graph");
        }
    }
    filter->end = is_video(filter) ? frame->pts + fm_ffmpeg_duration(frame) : AV_NOPTS_VALUE;
    int result = av_buffersrc_add_frame(filter->source, frame);
    return result < 0 ? fm_libav_error_fail(err, result, "filter")
                      : pull_frames(filter, on_frame, context, err);
}

bool fm_filter_feed(struct fm_filter *filter, AVFrame *frame, fm_filter_on_frame *on_frame,
                    void *context, struct fm_error *err)
{
    if (!frame) {
        return drain_graph(filter, on_frame, context, err);
    }
    bool fed = push_frame(filter, frame, on_frame, context, err);
    av_frame_free(&frame);
    return fed;
}

void fm_filter_done(struct fm_filter *filter)
{
    avfilter_graph_free(&filter->graph);
    av_frame_free(&filter->shape);
    av_frame_free(&filter->out);
}
