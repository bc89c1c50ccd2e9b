/*
 * Writes one output file: collects the packets of its streams, from whichever stages make them, and
 * interleaves them in decoding order. The header is written once every planned stream has been
 * added or has ended without being added. Packets that come too early wait in memory; a stage that
 * writes is never made to wait for another.
 * Before: remux, encode. After: sink, a finished file, and the facts of what was written.
 * Owns: the libav muxer and the sink; the descriptor stays the caller's.
 * Threads: any thread may call anything but _new and _destroy; there is a lock inside.
 */
#ifndef FM_WORKER_MEDIA_MUX_H
#define FM_WORKER_MEDIA_MUX_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "proto/message.h"
#include "worker/media/plan.h"

struct fm_mux;

/* Empties the file. The descriptor stays the caller's; plan and output must outlive the mux. */
bool fm_mux_new(const struct fm_plan *plan, const struct fm_plan_output *output, int fd,
                struct fm_mux **mux, struct fm_error *err) FM_MUST_CHECK;
/* The flags an encoder has to be opened with: AV_CODEC_FLAG_GLOBAL_HEADER or 0. */
int fm_mux_codec_flags(const struct fm_mux *mux);

/* Adds a planned stream, once, as what the open encoder makes. Writes the header if this was the
 * last stream it waited for, and then the packets that have waited. */
bool fm_mux_add_encoder(struct fm_mux *mux, enum fm_plan_slot slot, const AVCodecContext *encoder,
                        struct fm_error *err) FM_MUST_CHECK;
/* The time base that a remux has to use: audio is counted in samples, because the source's own time
 * base may be coarser. */
AVRational fm_mux_remux_base(const AVStream *source);
/* The same as fm_mux_add_encoder, for a stream whose packets are copied from the source. */
bool fm_mux_add_remux(struct fm_mux *mux, enum fm_plan_slot slot, const AVStream *source,
                      struct fm_error *err) FM_MUST_CHECK;
/* Takes the packet's reference and leaves the packet blank. Its times are in the time base of the
 * encoder or of fm_mux_remux_base. RESOURCE_DISK, or MEDIA_INVALID if too much has to wait for a
 * stream that begins late. */
bool fm_mux_write(struct fm_mux *mux, enum fm_plan_slot slot, AVPacket *packet,
                  struct fm_error *err) FM_MUST_CHECK;
/* Ends a planned stream; a stream that was never added is left out of the file. When the last one
 * ends, the file is completed. MEDIA_INVALID if no stream was ever added (TRIM_OUTSIDE if the part
 * starts late: the source ends before it) or an added stream has no packet. */
bool fm_mux_end(struct fm_mux *mux, enum fm_plan_slot slot, struct fm_error *err) FM_MUST_CHECK;

/* `frames`: video packets written. `seconds`: how far the slowest stream that has not ended is,
 * from the output's start. `ended`: the file is complete. Does not take the lock. */
void fm_mux_progress(struct fm_mux *mux, uint64_t *frames, double *seconds, bool *ended);
/* Fills duration_seconds, skew_seconds, video and audio with what was written. Call it once the
 * file is complete. */
void fm_mux_facts(struct fm_mux *mux, struct fm_arena *arena, struct fm_file_facts *facts);
void fm_mux_destroy(struct fm_mux **mux);

#endif
