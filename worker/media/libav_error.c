/* See the head of libav_error.h. */
#include "worker/media/libav_error.h"

#include <errno.h>
#include <libavutil/error.h>
#include <stddef.h>

#include "common/memory.h"

/* Every number that is not the file's fault. libav returns errno values for what the system refused
 * and numbers of its own for what it lacks. */
static const struct {
    int averror;
    enum fm_error_code code;
} codes[] = {
    {AVERROR(ENOMEM), FM_RESOURCE_MEMORY},
    {AVERROR(ENOSPC), FM_RESOURCE_DISK},
    {AVERROR(EDQUOT), FM_RESOURCE_DISK},
    {AVERROR(EFBIG), FM_RESOURCE_DISK},
    {AVERROR_DECODER_NOT_FOUND, FM_UNSUPPORTED_CODEC},
    {AVERROR_ENCODER_NOT_FOUND, FM_UNSUPPORTED_CODEC},
    {AVERROR_PATCHWELCOME, FM_UNSUPPORTED_CODEC},
    {AVERROR(ENOSYS), FM_UNSUPPORTED_CODEC},
    {AVERROR_DEMUXER_NOT_FOUND, FM_UNSUPPORTED_CONTAINER},
    {AVERROR_BUG, FM_INTERNAL},
    {AVERROR_BUG2, FM_INTERNAL},
};

bool fm_libav_error_fail(struct fm_error *err, int averror, const char *what)
{
    /* A hostile file can provoke any other number, so the file is to blame for all of them. */
    enum fm_error_code code = FM_MEDIA_INVALID;
    for (size_t i = 0; i < FM_COUNT(codes); i++) {
        if (codes[i].averror == averror) {
            code = codes[i].code;
        }
    }
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(averror, text, sizeof(text));
    return fm_fail(err, code, "%s: %s", what, text);
}
