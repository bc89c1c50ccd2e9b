/*
 * Proof before done: a new sealed child opens each output read-only, walks every packet and
 * compares with what was expected: decodable headers, monotonic timestamps, duration (0.5 s or 2
 * %), A/V end skew (1 s from what was said of it), frame count where fixed. Before: an output's
 * descriptor and its expectations. After: its facts, or VERIFY_FAILED.
 */
#ifndef FM_WORKER_MEDIA_VERIFY_H
#define FM_WORKER_MEDIA_VERIFY_H

#include "proto/message.h"

bool fm_verify_file(int fd, const struct fm_file_facts *expect, uint64_t max_seconds,
                    struct fm_arena *arena, struct fm_file_facts *found,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
