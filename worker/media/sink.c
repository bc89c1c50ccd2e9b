/* The callbacks of two AVIOContexts: the muxer's output, and the reader that faststart opens. */
#include "worker/media/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"
#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"

#define BUFFER_BYTES (64 << 10)

struct fm_sink {
    AVIOContext *io;
    int fd;           /* the caller's */
    int64_t position; /* where the next write goes */
};

static int write_bytes(void *opaque, fm_ffmpeg_written *bytes, int length)
{
    struct fm_sink *sink = opaque;
    for (int done = 0; done < length;) {
        ssize_t wrote = pwrite(sink->fd, bytes + done, (size_t)(length - done), sink->position);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return wrote < 0 ? AVERROR(errno) : AVERROR(EIO);
        }
        done += (int)wrote;
        sink->position += wrote;
    }
    return length;
}

/* The position to which a seek from `position` leads, or libav's negative error number. For
 * AVSEEK_SIZE it is the file's size, and nothing moves. */
static int64_t seek_from(int fd, int64_t position, int64_t offset, int whence)
{
    int64_t size = lseek(fd, 0, SEEK_END);
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return size;
    case SEEK_SET:
        return offset;
    case SEEK_CUR:
        return position + offset;
    case SEEK_END:
        return size + offset;
    default:
        return AVERROR(EINVAL);
    }
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    struct fm_sink *sink = opaque;
    int64_t to = seek_from(sink->fd, sink->position, offset, whence);
    if (to >= 0 && !(whence & AVSEEK_SIZE)) {
        sink->position = to;
    }
    return to;
}

/* A second view of the file. faststart reads through it while it shifts the file's content to make
 * room for the index at the front. */
struct reader {
    int fd;
    int64_t position;
};

static int read_again(void *opaque, uint8_t *out, int length)
{
    struct reader *reader = opaque;
    ssize_t got = pread(reader->fd, out, (size_t)length, reader->position);
    if (got <= 0) {
        return got < 0 ? AVERROR(errno) : AVERROR_EOF;
    }
    reader->position += got;
    return (int)got;
}

static int64_t seek_again(void *opaque, int64_t offset, int whence)
{
    struct reader *reader = opaque;
    int64_t to = seek_from(reader->fd, reader->position, offset, whence);
    if (to >= 0 && !(whence & AVSEEK_SIZE)) {
        reader->position = to;
    }
    return to;
}

/* In place of libav's io_open: the muxer may open its own file for reading (by its url, which is
 * empty) and nothing else. */
static int open_again(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                      AVDictionary **options)
{
    (void)options;
    const struct fm_sink *sink = format->opaque;
    if (flags & AVIO_FLAG_WRITE || (url && *url)) {
        return AVERROR(EPERM);
    }
    unsigned char *buffer = av_malloc(BUFFER_BYTES);
    struct reader *reader = fm_alloc(sizeof(*reader));
    reader->fd = sink->fd;
    *io = buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 0, reader, read_again, NULL, seek_again)
                 : NULL;
    if (*io) {
        return 0;
    }
    av_free(buffer);
    free(reader);
    return AVERROR(ENOMEM);
}

static int close_again(AVFormatContext *format, AVIOContext *io)
{
    (void)format;
    free(io->opaque);
    av_freep(&io->buffer);
    avio_context_free(&io);
    return 0;
}

bool fm_sink_new(AVFormatContext *format, int fd, struct fm_sink **out, struct fm_error *err)
{
    FM_AUTO(fm_sink_destroy) struct fm_sink *sink = fm_alloc(sizeof(*sink));
    unsigned char *buffer = av_malloc(BUFFER_BYTES);
    sink->fd = fd;
    /* The pipeline may run twice, and the first run may have written more than this one will. */
    if (ftruncate(fd, 0) < 0) {
        av_free(buffer);
        return fm_fail(err, FM_SYSTEM, "truncate: %s", strerror(errno));
    }
    if (buffer) {
        sink->io = avio_alloc_context(buffer, BUFFER_BYTES, 1, sink, NULL, write_bytes, seek_bytes);
    }
    if (!sink->io) {
        av_free(buffer);
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "output");
    }
    format->pb = sink->io;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->opaque = sink;
    format->io_open = open_again;
    format->io_close2 = close_again;
    *out = fm_steal(sink);
    return true;
}

bool fm_sink_flush(struct fm_sink *sink, struct fm_error *err)
{
    avio_flush(sink->io);
    return sink->io->error < 0 ? fm_libav_error_fail(err, sink->io->error, "output") : true;
}

void fm_sink_destroy(struct fm_sink **pointer)
{
    struct fm_sink *sink = *pointer;
    if (!sink) {
        return;
    }
    if (sink->io) {
        av_freep(&sink->io->buffer);
    }
    avio_context_free(&sink->io);
    free(sink);
    *pointer = NULL;
}
