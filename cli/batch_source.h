/*
 * The file of `batch submit`, as the body that is sent: NDJSON and {"jobs":[…]} as they stand, a
 * plain list of URLs as a fetch job a line. Its lines keep their numbers, so that an error's line
 * is the file's. Read as it is sent; never held whole.
 */
#ifndef FM_CLI_BATCH_SOURCE_H
#define FM_CLI_BATCH_SOURCE_H

#include "cli/client.h"

struct fm_batch_source;
/* "-": standard input. Reads the first line, to know what it is. */
bool fm_batch_source_open(const char *path, struct fm_batch_source **source,
                          struct fm_error *err) FM_MUST_CHECK;
void fm_batch_source_close(struct fm_batch_source **source);
const char *fm_batch_source_type(const struct fm_batch_source *source);
/* Bytes read so far, and of all, 0 where that is not known. */
void fm_batch_source_progress(const struct fm_batch_source *source, int64_t *bytes,
                              int64_t *total_bytes);
/* Of fm_client_body. */
bool fm_batch_source_read(struct fm_batch_source *source, char *out, size_t room, size_t *length,
                          struct fm_error *err) FM_MUST_CHECK;

#endif
