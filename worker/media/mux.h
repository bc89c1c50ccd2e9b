/*
 * One output file: gathers its streams' packets, from whichever stages make them, and writes them
 * through one descriptor (pread and pwrite alone), in the order they are decoded. The header waits
 * until every stream has said what it is, or that it is not to come; packets that are early wait in
 * memory, and no writer ever waits for another.
 * Before: remux, encode. After: a finished file and the facts of what was written.
 * Threads: any; a lock inside.
 */
#ifndef FM_WORKER_MEDIA_MUX_H
#define FM_WORKER_MEDIA_MUX_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "proto/message.h"
#include "worker/media/plan.h"

struct fm_mux;

/* The descriptor stays the caller's. The plan must outlive the mux. */
bool fm_mux_new(const struct fm_plan *plan, const struct fm_plan_output *output, int fd,
                struct fm_mux **mux, struct fm_error *err) FM_MUST_CHECK;
/* AV_CODEC_FLAG_GLOBAL_HEADER or 0, as the format wants it. */
int fm_mux_codec_flags(const struct fm_mux *mux);

/* A planned stream says what it is, once. */
bool fm_mux_add_encoder(struct fm_mux *mux, enum fm_plan_slot slot, const AVCodecContext *encoder,
                        struct fm_error *err) FM_MUST_CHECK;
/* A copy's times come in this base: sound's counted in samples, for the source's may be coarser. */
AVRational fm_mux_remux_base(const AVStream *source);
bool fm_mux_add_remux(struct fm_mux *mux, enum fm_plan_slot slot, const AVStream *source,
                      struct fm_error *err) FM_MUST_CHECK;
/* Takes the packet's reference and leaves it blank; its times are in the stream's own base (the
 * encoder's, the copy's). */
bool fm_mux_write(struct fm_mux *mux, enum fm_plan_slot slot, AVPacket *packet,
                  struct fm_error *err) FM_MUST_CHECK;
/* A planned stream has ended; one never added is left out of the file. The last one ends the file,
 * and MEDIA_INVALID if none was ever added (TRIM_OUTSIDE
 * of a part that starts late). */
bool fm_mux_end(struct fm_mux *mux, enum fm_plan_slot slot, struct fm_error *err) FM_MUST_CHECK;

/* How far the furthest behind of its streams is that has not ended. */
void fm_mux_progress(struct fm_mux *mux, uint64_t *frames, double *seconds, bool *ended);
/* duration_seconds, skew_seconds, video, audio, of what was written. */
void fm_mux_facts(struct fm_mux *mux, struct fm_arena *arena, struct fm_file_facts *facts);
void fm_mux_destroy(struct fm_mux **mux);

#endif
