/* Reads through the input's own context, so that the same limits hold as for the demuxer. */
#include "worker/media/passthrough.h"

#include "common/file.h"
#include "worker/media/libav_error.h"
#include "worker/media/probe.h"

#define CHUNK_BYTES (256 << 10)

static bool copy_bytes(AVIOContext *io, int fd, struct fm_error *err)
{
    FM_AUTO_FREE unsigned char *chunk = fm_alloc(CHUNK_BYTES);
    int64_t position = avio_seek(io, 0, SEEK_SET);
    int got = position < 0 ? (int)position : 1;
    while (got > 0) {
        got = avio_read(io, chunk, CHUNK_BYTES);
        if (got > 0 && !fm_file_write_all(fd, chunk, (size_t)got, err)) {
            return false;
        }
    }
    return got == 0 || got == AVERROR_EOF || fm_libav_error_fail(err, got, "copy");
}

bool fm_passthrough_source(struct fm_input *input, int fd, struct fm_arena *arena,
                           struct fm_file_facts *facts, struct fm_error *err)
{
    AVFormatContext *format = fm_input_format(input);
    struct fm_source_facts source = {0};
    if (!copy_bytes(format->pb, fd, err) || !fm_probe_source(format, arena, &source, err)) {
        return false;
    }
    facts->duration_seconds = source.duration_seconds;
    facts->video = source.video;
    facts->audio = source.audio;
    return true;
}
