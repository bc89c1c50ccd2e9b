/*
 * What a file says of its own length in bytes, against the bytes there are. MP4's boxes, Matroska's
 * segment and RIFF's chunk carry their lengths: one that ends beyond the file has been cut off. It
 * is the one sign of it that is no guess; a wrong duration in a header is none.
 * Before: input. After: whether a film that ends early was meant to.
 */
#ifndef FM_WORKER_MEDIA_TRUNCATION_H
#define FM_WORKER_MEDIA_TRUNCATION_H

#include <stdbool.h>
#include <stdint.h>

/* True if the container promises more bytes than `size_bytes`. Lengths left open, as live recorders
 * leave them, and containers without any promise nothing. */
bool fm_truncation_is_sure(int fd, int64_t size_bytes);

#endif
