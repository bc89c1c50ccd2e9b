/*
 * Proves an output before the job may succeed: a new sealed child, which does not trust the one
 * that made the file, opens it read-only, walks every packet and compares what it finds with what
 * was expected. It checks that headers decode, that decoding times do not run backwards, the
 * duration (within 0.5 s or 2 %), how far the ends of audio and video are apart (within 1 s),
 * codecs, sizes, channels and rates, and the number of frames. Before: the worker has the END of
 * the child that made the file. After: the file's facts, or VERIFY_FAILED. Threads: one.
 */
#ifndef FM_WORKER_MEDIA_VERIFY_H
#define FM_WORKER_MEDIA_VERIFY_H

#include "proto/message.h"

/* `max_seconds` is the account's limit for sources; an output may be a little longer. Facts of
 * `expect` that are 0 or NULL are not compared, but video and audio have to be there exactly if
 * they are expected. `found` is filled in the arena. VERIFY_FAILED, RESOURCE_MEMORY, SYSTEM. */
bool fm_verify_file(int fd, const struct fm_file_facts *expect, uint64_t max_seconds,
                    struct fm_arena *arena, struct fm_file_facts *found,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
