/*
 * Finds out whether a file was cut off, by comparing its size with the lengths in its container:
 * those of MP4's boxes, of Matroska's segment and of RIFF's chunk. A box that ends beyond the file
 * is the only certain sign; a wrong duration in a header is not.
 * Before: input. After: pipeline, which then decides whether too much is missing.
 * Threads: any; it reads by pread.
 */
#ifndef FM_WORKER_MEDIA_TRUNCATION_H
#define FM_WORKER_MEDIA_TRUNCATION_H

#include <stdbool.h>
#include <stdint.h>

/* True if the container's lengths need more bytes than `size_bytes`. False if the lengths are open,
 * as live recorders leave them, if the container has none, or if the file cannot be read. */
bool fm_truncation_is_sure(int fd, int64_t size_bytes);

#endif
