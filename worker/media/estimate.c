/* See the head of estimate.h. */
#include "worker/media/estimate.h"

#include <libavutil/pixdesc.h>

/* libvpx's own: frames it looks ahead at, and the buffers of its references. */
#define VP9_LOOKAHEAD 25
#define VP9_REFERENCES 8
#define PALETTE_PIXEL_BYTES 4

/* x264 keeps 3 bytes a pixel of a frame looked ahead at (picture, half-size copy, block costs) and
 * 6 of a reference (its half-pixel planes too). 4K at medium with 4 threads: 1.6 GB; measured,
 * 1.5 to 1.75. */
static uint64_t estimate_encoder(const struct fm_plan_stream *stream)
{
    uint64_t pixels = (uint64_t)stream->width * (uint64_t)stream->height;
    uint64_t scaled = (uint64_t)stream->scaled_width * (uint64_t)stream->scaled_height;
    uint64_t lookahead = 0, references = 0;
    if (stream->encoder->id == AV_CODEC_ID_H264) {
        lookahead = (uint64_t)stream->preset->lookahead;
        references = (uint64_t)stream->preset->references;
    }
    if (stream->encoder->id == AV_CODEC_ID_VP9) {
        lookahead = VP9_LOOKAHEAD;
        references = VP9_REFERENCES;
    }
    uint64_t ahead = lookahead + stream->threads + 4, kept = references + stream->threads + 4;
    return pixels * (3 * ahead + 6 * kept) + scaled * PALETTE_PIXEL_BYTES * 2;
}

uint64_t fm_estimate_palette(const struct fm_plan_stream *stream, double seconds)
{
    double pixels = (double)stream->width * stream->height;
    return (uint64_t)(pixels * PALETTE_PIXEL_BYTES * seconds * av_q2d(stream->frame_rate));
}

/* A decoder holds up to 16 references, a frame a thread, and what waits in the pipes. */
static uint64_t estimate_decoder(const AVCodecParameters *codec, unsigned threads)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)codec->format);
    uint64_t bits = format ? (uint64_t)av_get_padded_bits_per_pixel(format) : 16;
    uint64_t frame = (uint64_t)codec->width * (uint64_t)codec->height * bits / 8;
    return frame * (8 + threads + 8);
}

uint64_t fm_estimate_plan(const struct fm_plan *plan)
{
    uint64_t bytes = 200ULL << 20; /* libraries' data, packets, sound */
    bool decodes = false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fm_plan_stream *stream = &plan->outputs[i].streams[FM_PLAN_VIDEO];
        if (stream->way != FM_PLAN_ENCODE) {
            continue;
        }
        bytes += estimate_encoder(stream);
        if (stream->palette == FM_PLAN_PALETTE_SHARED) {
            bytes += fm_estimate_palette(stream, plan->outputs[i].duration_seconds);
        }
        if (!decodes) {
            bytes += estimate_decoder(stream->source->codecpar, plan->threads);
        }
        decodes = true;
    }
    return bytes;
}
