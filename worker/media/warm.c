/* First uses, before the seal. */
#include "worker/media/warm.h"

#include <libavutil/cpu.h>
#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int compare_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 1);
}

/* glibc: qsort asks for the machine's memory before it sorts more than 1 KiB, and the first time of
 * day reads /etc/localtime. */
static void warm_libc(void)
{
    char bytes[2048] = "warm";
    qsort(bytes, sizeof(bytes), 1, compare_bytes);
    tzset();
}

void fm_warm_up(void)
{
    warm_libc();
    (void)av_cpu_count();
    /* What libav has to say travels as an error; its lines would quote the file, and the first one
     * asks whether stderr is a terminal. */
    av_log_set_level(AV_LOG_QUIET);
}
