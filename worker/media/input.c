/*
 * libav gets its bytes from pread on one descriptor and can reach nothing else: io_open refuses, no
 * protocol is on the whitelist, and the container is identified before it is opened, so a playlist
 * never gets as far as its demuxer. The checks run in the order in which they need more and more of
 * the file to have been parsed.
 */
#include "worker/media/input.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"
#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"
#include "worker/media/probe.h"
#include "worker/media/truncation.h"

#define BUFFER_BYTES (128 << 10)
/* libav's own default for how much it may read to learn about the streams (5 MB); 1 MB to identify
 * the container; 10 s of media at most. */
#define PROBE_BYTES (5 << 20)
#define PROBE_FORMAT_BYTES (1 << 20)
#define ANALYZE_US (10 * (int64_t)AV_TIME_BASE)
/* Below this score libav is guessing: it took a text file for "mp3" with a score of 1. */
#define LEAST_SCORE 5
/* From this score on libav is sure: as sure as if the file's name had confirmed it. */
#define CERTAIN_SCORE AVPROBE_SCORE_EXTENSION
/* The largest single allocation. A plane of 8192x4320 at 8 bytes a pixel has 283 MB, and nothing
 * honest needs more at once. The limit also holds for streams that are found after the header,
 * which max_pixels does not reach. */
#define ALLOCATION_BYTES (320UL << 20)
/* max_streams of libav for one call. FM_INPUT_MAX_STREAMS is enforced by the read callback, which
 * counts the streams between two buffers; no demuxer makes more than this out of one buffer. */
#define STREAMS_PER_OPEN (BUFFER_BYTES / 4)
/* How many packets are searched for encryption. */
#define ENCRYPTION_PACKETS 32
/* A file with fewer bytes than this for each second it claims is read to its end to find out how
 * long it is: it may be the first part of a film of hours. Because there are so few bytes, that is
 * quick. */
#define CREDIBLE_BYTES_PER_SECOND 500

/* The demuxers that may be opened: none that reads a second file or contains addresses. */
static const char formats[] =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,av1,ivf,flv,"
    "asf,ogg,mp3,aac,flac,wav,w64,aiff,caf,au,ac3,eac3,amr,wv,ape,tta,mxf,dv,nut,rm,gif,apng,"
    "png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,mjpeg";

struct fm_input {
    AVFormatContext *format;
    AVIOContext *io;
    int fd;                /* the caller's */
    int64_t size_bytes;    /* the end of the file, even if it has grown since */
    int64_t position;      /* where the next read begins */
    int64_t furthest;      /* the greatest position so far */
    bool too_many_streams; /* the reason why a read failed */
};

/* ---- bytes: the callbacks of the AVIOContext, which return libav's error numbers ---- */

/* A demuxer asks for bytes again and again while it makes streams, so this is the place to stop one
 * that makes too many. */
static int read_bytes(void *opaque, uint8_t *out, int length)
{
    struct fm_input *input = opaque;
    if (input->format && input->format->nb_streams > FM_INPUT_MAX_STREAMS) {
        input->too_many_streams = true;
        return AVERROR_INVALIDDATA;
    }
    int64_t left = input->size_bytes - input->position;
    if (left <= 0) {
        return AVERROR_EOF;
    }
    size_t want = (size_t)FFMIN(left, length);
    ssize_t got = pread(input->fd, out, want, input->position);
    if (got < 0) {
        return AVERROR(errno);
    }
    if (got == 0) {
        return AVERROR_EOF;
    }
    input->position += got;
    input->furthest = FFMAX(input->furthest, input->position);
    return (int)got;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    struct fm_input *input = opaque;
    int64_t base = 0;
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return input->size_bytes;
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = input->position;
        break;
    case SEEK_END:
        base = input->size_bytes;
        break;
    default:
        return AVERROR(EINVAL);
    }
    if (offset > INT64_MAX - base || offset + base < 0) {
        return AVERROR(EINVAL);
    }
    input->position = base + offset;
    return input->position;
}

/* In place of libav's io_open: no demuxer opens a second file. */
static int refuse_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                       AVDictionary **options)
{
    (void)format, (void)io, (void)url, (void)flags, (void)options;
    return AVERROR(EPERM);
}

/* The context does not free its buffer, which libav may have replaced by another. */
static void destroy_io(struct fm_input *input)
{
    if (input->io) {
        av_freep(&input->io->buffer);
    }
    avio_context_free(&input->io);
}

static bool make_io(struct fm_input *input, struct fm_error *err)
{
    unsigned char *buffer = av_malloc(BUFFER_BYTES);
    if (!buffer) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "input buffer");
    }
    input->io = avio_alloc_context(buffer, BUFFER_BYTES, 0, input, read_bytes, NULL, seek_bytes);
    if (!input->io) {
        av_free(buffer);
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "input context");
    }
    return true;
}

/* ---- opening ---- */

/* A song that is shorter than a second has too few frames for a good score; its ID3 tag is proof
 * enough. */
static bool is_tagged_mp3(const struct fm_input *input, const AVInputFormat *container)
{
    char head[3] = "";
    return container && av_match_name("mp3", container->name) &&
           pread(input->fd, head, sizeof(head), 0) == sizeof(head) &&
           !memcmp(head, "ID3", sizeof(head));
}

/* Identifies the container by its bytes alone, before any demuxer runs. */
static bool find_container(struct fm_input *input, const AVInputFormat **container,
                           struct fm_error *err)
{
    int score = av_probe_input_buffer2(input->io, container, "", NULL, 0, PROBE_FORMAT_BYTES);
    if (score == AVERROR(ENOMEM)) {
        return fm_libav_error_fail(err, score, "probe");
    }
    if (!*container || (score < LEAST_SCORE && !is_tagged_mp3(input, *container))) {
        return fm_fail(err, FM_UNSUPPORTED_CONTAINER, "no container was recognised (score %d)",
                       score);
    }
    if (av_match_list((*container)->name, formats, ',') <= 0) {
        return fm_fail(err, FM_UNSUPPORTED_CONTAINER, "container %s", (*container)->name);
    }
    return true;
}

static bool make_format(struct fm_input *input, struct fm_error *err)
{
    AVFormatContext *format = avformat_alloc_context();
    if (!format) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "format context");
    }
    input->format = format;
    format->pb = input->io;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->io_open = refuse_open;
    format->probesize = PROBE_BYTES;
    format->format_probesize = PROBE_FORMAT_BYTES;
    format->max_analyze_duration = ANALYZE_US;
    format->max_streams = STREAMS_PER_OPEN;
    if (av_opt_set(format, "protocol_whitelist", "none", 0) < 0 ||
        av_opt_set(format, "format_whitelist", formats, 0) < 0) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "whitelists");
    }
    return true;
}

/* libav's error, unless the read callback stopped it for a reason of ours. */
static bool fail_open(const struct fm_input *input, int averror, const char *what,
                      struct fm_error *err)
{
    if (input->too_many_streams) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "the file has more than %d streams",
                       FM_INPUT_MAX_STREAMS);
    }
    return fm_libav_error_fail(err, averror, what);
}

static bool open_container(struct fm_input *input, struct fm_error *err)
{
    const AVInputFormat *container = NULL;
    if (!make_io(input, err) || !find_container(input, &container, err) ||
        !make_format(input, err)) {
        return false;
    }
    /* avformat_open_input frees the context and sets the pointer to NULL if it fails. */
    int result = avformat_open_input(&input->format, "", container, NULL);
    if (result < 0) {
        return fail_open(input, result, "open", err);
    }
    if (input->format->nb_streams > FM_INPUT_MAX_STREAMS) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "the file has %u streams",
                       input->format->nb_streams);
    }
    return true;
}

/* Decodes the first frames to learn each stream's format, with max_pixels in force. libav leaves
 * the options it did not use in the dictionaries, so each has to be freed whatever happens. */
static bool find_streams(struct fm_input *input, struct fm_error *err)
{
    unsigned count = input->format->nb_streams;
    AVDictionary *options[FM_INPUT_MAX_STREAMS] = {0};
    for (unsigned i = 0; i < count; i++) {
        av_dict_set_int(&options[i], "max_pixels", FM_INPUT_MAX_PIXELS, 0);
    }
    int result = avformat_find_stream_info(input->format, options);
    for (unsigned i = 0; i < count; i++) {
        av_dict_free(&options[i]);
    }
    if (result < 0 || input->too_many_streams) {
        return fail_open(input, result, "streams", err);
    }
    return true;
}

/* ---- limits ---- */

/* Portrait or landscape. */
static bool check_size(int stream, int width, int height, struct fm_error *err)
{
    if (FFMAX(width, height) > FM_INPUT_MAX_WIDTH || FFMIN(width, height) > FM_INPUT_MAX_HEIGHT) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "stream %d: %dx%d", stream, width, height);
    }
    return true;
}

static bool check_picture(const AVStream *stream, struct fm_error *err)
{
    const AVCodecParameters *codec = stream->codecpar;
    if (!check_size(stream->index, codec->width, codec->height, err)) {
        return false;
    }
    AVRational rate = stream->avg_frame_rate;
    bool cover = stream->disposition & AV_DISPOSITION_ATTACHED_PIC;
    if (!cover && rate.den > 0 && av_q2d(rate) > FM_INPUT_MAX_FRAME_RATE) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "stream %d has %.0f frames a second", stream->index,
                       av_q2d(rate));
    }
    return true;
}

/* Whether the header declares the stream encrypted: by MP4's sample entry or "pssh" box (ISO/IEC
 * 23001-7), or by Matroska's ContentEncryption. */
static bool is_stream_encrypted(const AVStream *stream)
{
    uint32_t tag = stream->codecpar->codec_tag;
    return tag == MKTAG('e', 'n', 'c', 'v') || tag == MKTAG('e', 'n', 'c', 'a') ||
           fm_ffmpeg_side_data(stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO) ||
           av_dict_get(stream->metadata, "enc_key_id", NULL, 0);
}

static bool check_limits(const struct fm_input *input, struct fm_error *err)
{
    AVFormatContext *format = input->format;
    if (format->nb_streams > FM_INPUT_MAX_STREAMS) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "the file has %u streams", format->nb_streams);
    }
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (is_stream_encrypted(format->streams[i])) {
            return fm_fail(err, FM_ENCRYPTED_MEDIA, "stream %u is encrypted", i);
        }
        if (!check_picture(format->streams[i], err)) {
            return false;
        }
    }
    return true;
}

static bool check_duration(const struct fm_input *input, uint64_t max_seconds, struct fm_error *err)
{
    double seconds = fm_probe_duration(input->format);
    if (seconds > (double)max_seconds) {
        return fm_fail(err, FM_MEDIA_TOO_LONG, "the file is %.1f s long, the limit is %llu s",
                       seconds, (unsigned long long)max_seconds);
    }
    return true;
}

/* ---- a second context ----
 * Some limits show only in packets. A second context of the same descriptor reads those, so that
 * the first one still stands at the file's start. */

/* NULL: failed. The caller owns the result. */
static struct fm_input *open_again(const struct fm_input *input, struct fm_error *err)
{
    FM_AUTO(fm_input_destroy) struct fm_input *again = fm_alloc(sizeof(*again));
    again->fd = input->fd;
    again->size_bytes = input->size_bytes;
    return open_container(again, err) ? fm_steal(again) : NULL;
}

static bool are_first_packets_encrypted(AVFormatContext *format)
{
    FM_AUTO(av_packet_free) AVPacket *packet = av_packet_alloc();
    bool found = false;
    for (int i = 0; packet && i < ENCRYPTION_PACKETS && !found; i++) {
        if (av_read_frame(format, packet) < 0) {
            break;
        }
        found = av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL) != NULL;
        av_packet_unref(packet);
    }
    return found;
}

/* Common encryption (ISO/IEC 23001-7) of MP4 does not need a "pssh" box; then only the packets
 * tell.
 */
static bool check_encryption(const struct fm_input *input, struct fm_error *err)
{
    if (!av_match_name("mov", input->format->iformat->name)) {
        return true;
    }
    FM_AUTO(fm_input_destroy) struct fm_input *again = open_again(input, err);
    if (!again) {
        return false;
    }
    if (are_first_packets_encrypted(again->format)) {
        return fm_fail(err, FM_ENCRYPTED_MEDIA, "the file has encrypted packets");
    }
    return true;
}

/* The end of the last packet of all streams, in the file's own time; AV_NOPTS_VALUE if none has a
 * time. Reads the file to its end. */
static int64_t find_end_us(AVFormatContext *format)
{
    FM_AUTO(av_packet_free) AVPacket *packet = av_packet_alloc();
    int64_t end_us = AV_NOPTS_VALUE;
    while (packet && av_read_frame(format, packet) >= 0) {
        int64_t at = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
        AVRational base = format->streams[packet->stream_index]->time_base;
        if (at != AV_NOPTS_VALUE) {
            end_us = FFMAX(end_us,
                           av_rescale_q(av_sat_add64(at, packet->duration), base, AV_TIME_BASE_Q));
        }
        av_packet_unref(packet);
    }
    return end_us;
}

/* Puts the measured duration in place of one that the file is too small for, if it is less than
 * half as long. */
static bool correct_duration(struct fm_input *input, struct fm_error *err)
{
    AVFormatContext *format = input->format;
    double seconds = fm_probe_duration(format);
    if (seconds * CREDIBLE_BYTES_PER_SECOND <= (double)input->size_bytes) {
        return true;
    }
    FM_AUTO(fm_input_destroy) struct fm_input *again = open_again(input, err);
    if (!again) {
        return false;
    }
    int64_t start_us = format->start_time == AV_NOPTS_VALUE ? 0 : format->start_time;
    int64_t end_us = find_end_us(again->format);
    if (end_us == AV_NOPTS_VALUE || av_sat_sub64(end_us, start_us) >= format->duration / 2) {
        return true;
    }
    format->duration = FFMAX(av_sat_sub64(end_us, start_us), 0);
    for (unsigned i = 0; i < format->nb_streams; i++) {
        format->streams[i]->duration = AV_NOPTS_VALUE;
    }
    return true;
}

static int refuse_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
{
    (void)codec, (void)frame, (void)flags;
    return AVERROR(EPERM);
}

/* Lets the decoder parse the header of a picture and refuses it the memory for the frame. Width and
 * height keep their values if the decoder does not open. */
static void measure_packet(const AVStream *stream, const AVPacket *packet, int *width, int *height)
{
    const AVCodec *decoder = avcodec_find_decoder(stream->codecpar->codec_id);
    FM_AUTO(avcodec_free_context) AVCodecContext *codec = avcodec_alloc_context3(decoder);
    if (!decoder || !codec) {
        return;
    }
    codec->get_buffer2 = refuse_buffer;
    codec->thread_count = 1;
    if (avcodec_parameters_to_context(codec, stream->codecpar) < 0 ||
        avcodec_open2(codec, decoder, NULL) < 0) {
        return;
    }
    (void)avcodec_send_packet(codec, packet);
    *width = codec->width;
    *height = codec->height;
}

/* libav reports a single image above max_pixels without a size, just like a damaged one. The size
 * in its header tells MEDIA_TOO_LARGE from MEDIA_INVALID, which probe reports later. */
static bool check_unsized(const struct fm_input *input, struct fm_error *err)
{
    if (input->format->nb_streams != 1) {
        return true;
    }
    const AVStream *stream = input->format->streams[0];
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO || stream->codecpar->width > 0) {
        return true;
    }
    FM_AUTO(fm_input_destroy) struct fm_input *again = open_again(input, err);
    if (!again) {
        return false;
    }
    FM_AUTO(av_packet_free) AVPacket *packet = av_packet_alloc();
    int width = 0, height = 0;
    if (packet && av_read_frame(again->format, packet) >= 0) {
        measure_packet(stream, packet, &width, &height);
    }
    return check_size(0, width, height, err);
}

/* ---- photographs ----
 * Films have their display matrix with the stream. A camera writes a photograph's orientation into
 * the JPEG's Exif data, which libav attaches to the decoded frame. */

static int decode_first_frame(const AVStream *stream, AVFormatContext *format, AVFrame *frame)
{
    FM_AUTO(av_packet_free) AVPacket *packet = av_packet_alloc();
    const AVCodec *decoder = avcodec_find_decoder(stream->codecpar->codec_id);
    FM_AUTO(avcodec_free_context) AVCodecContext *codec = avcodec_alloc_context3(decoder);
    if (!packet || !decoder || !codec) {
        return AVERROR(ENOMEM);
    }
    codec->max_pixels = FM_INPUT_MAX_PIXELS;
    codec->thread_count = 1;
    int result = avcodec_parameters_to_context(codec, stream->codecpar);
    if (result >= 0) {
        result = avcodec_open2(codec, decoder, NULL);
    }
    if (result >= 0) {
        result = av_read_frame(format, packet);
    }
    if (result >= 0) {
        result = avcodec_send_packet(codec, packet);
    }
    return result >= 0 ? avcodec_receive_frame(codec, frame) : result;
}

/* Copies the orientation from the first frame to the stream, where all other code looks for it. A
 * picture that cannot be decoded passes here; the decode stage will report it. */
static bool adopt_orientation(struct fm_input *input, struct fm_error *err)
{
    if (strcmp(input->format->iformat->name, "jpeg_pipe") != 0) {
        return true;
    }
    FM_AUTO(fm_input_destroy) struct fm_input *again = open_again(input, err);
    if (!again) {
        return false;
    }
    AVStream *stream = input->format->streams[0];
    FM_AUTO(av_frame_free) AVFrame *frame = av_frame_alloc();
    if (!frame || decode_first_frame(stream, again->format, frame) < 0) {
        return true;
    }
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    uint8_t *matrix =
        side ? fm_ffmpeg_side_data_new(stream, AV_PKT_DATA_DISPLAYMATRIX, side->size) : NULL;
    if (matrix) {
        memcpy(matrix, side->data, side->size);
    }
    return true;
}

bool fm_input_open(int fd, int64_t size_bytes, uint64_t max_seconds, struct fm_input **out,
                   struct fm_error *err)
{
    av_max_alloc(ALLOCATION_BYTES); /* for the whole process, for good */
    FM_AUTO(fm_input_destroy) struct fm_input *input = fm_alloc(sizeof(*input));
    input->fd = fd;
    input->size_bytes = size_bytes;
    if (!open_container(input, err) || !check_encryption(input, err) || !find_streams(input, err) ||
        !check_limits(input, err) || !correct_duration(input, err) ||
        !check_duration(input, max_seconds, err) || !check_unsized(input, err) ||
        !adopt_orientation(input, err)) {
        return false;
    }
    *out = fm_steal(input);
    return true;
}

const char *fm_input_name(int fd, int64_t size_bytes)
{
    FM_AUTO(fm_input_destroy) struct fm_input *input = fm_alloc(sizeof(*input));
    const AVInputFormat *container = NULL;
    struct fm_error ignored = {0};
    input->fd = fd;
    input->size_bytes = size_bytes;
    if (!make_io(input, &ignored) ||
        av_probe_input_buffer2(input->io, &container, "", NULL, 0, PROBE_FORMAT_BYTES) <
            CERTAIN_SCORE ||
        av_match_list(container->name, formats, ',') <= 0) {
        return NULL;
    }
    return container->name;
}

AVFormatContext *fm_input_format(struct fm_input *input)
{
    return input->format;
}

bool fm_input_is_cut(const struct fm_input *input)
{
    return fm_truncation_is_sure(input->fd, input->size_bytes);
}

int64_t fm_input_position(const struct fm_input *input)
{
    return input->furthest;
}

void fm_input_destroy(struct fm_input **input)
{
    if (!*input) {
        return;
    }
    avformat_close_input(&(*input)->format);
    destroy_io(*input);
    free(*input);
    *input = NULL;
}
