/* The sizes were found by measuring; each function names what it counts. */
#include "worker/media/estimate.h"

#include <libavutil/pixdesc.h>

/* The defaults of libvpx: frames of look-ahead, and reference buffers (VP9 has eight). */
#define VP9_LOOKAHEAD 25
#define VP9_REFERENCES 8
#define PALETTE_PIXEL_BYTES 4

/* x264 keeps 3 bytes per pixel of a frame in its look-ahead (picture, half-size copy, block costs)
 * and 6 of a reference frame (its half-pixel planes as well). For 4K at preset medium with 4
 * threads this gives 1.6 GB, where 1.5 to 1.75 GB were measured. */
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
    /* Every thread works on a frame of its own; the rest are frames on their way in and out. */
    uint64_t ahead = lookahead + stream->threads + 4, kept = references + stream->threads + 4;
    return pixels * (3 * ahead + 6 * kept) + scaled * PALETTE_PIXEL_BYTES * 2;
}

uint64_t fm_estimate_palette(const struct fm_plan_stream *stream, double seconds)
{
    double pixels = (double)stream->width * stream->height;
    return (uint64_t)(pixels * PALETTE_PIXEL_BYTES * seconds * av_q2d(stream->frame_rate));
}

/* Eight frames of references, a frame for each thread, and eight frames in a branch's pipe. */
static uint64_t estimate_decoder(const AVCodecParameters *codec, unsigned threads)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)codec->format);
    uint64_t bits = format ? (uint64_t)av_get_padded_bits_per_pixel(format) : 16;
    uint64_t frame = (uint64_t)codec->width * (uint64_t)codec->height * bits / 8;
    return frame * (8 + threads + 8);
}

uint64_t fm_estimate_plan(const struct fm_plan *plan)
{
    uint64_t bytes = 200ULL << 20; /* the libraries' data, packets, and all audio */
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
        /* All outputs share one decoder. */
        if (!decodes) {
            bytes += estimate_decoder(stream->source->codecpar, plan->threads);
        }
        decodes = true;
    }
    return bytes;
}
