/*
 * Reads the file given to `batch submit` and produces the request body. NDJSON and {"jobs":[…]} are
 * sent unchanged; in a plain list of URLs each line becomes one fetch job. Blank and comment lines
 * are sent as empty lines, so that a line number in the service's error is the file's own.
 * The file is read while it is sent, a line at a time (up to 16 MiB), and never held whole.
 */
#ifndef FM_CLI_BATCH_SOURCE_H
#define FM_CLI_BATCH_SOURCE_H

#include "cli/client.h"

struct fm_batch_source;
/* Opens `path`, or standard input for "-", and reads up to the first line that is not blank, which
 * decides the format. SETTING when the file holds no job or a line is too long. */
bool fm_batch_source_open(const char *path, struct fm_batch_source **source,
                          struct fm_error *err) FM_MUST_CHECK;
void fm_batch_source_close(struct fm_batch_source **source);
/* The body's Content-Type. */
const char *fm_batch_source_type(const struct fm_batch_source *source);
/* Bytes read from the file so far, and the file's size; the size is 0 when it is unknown (a pipe).
 */
void fm_batch_source_progress(const struct fm_batch_source *source, int64_t *bytes,
                              int64_t *total_bytes);
/* The `read` function of struct fm_client_body: fills up to `room` bytes; *length 0 at the end. */
bool fm_batch_source_read(struct fm_batch_source *source, char *out, size_t room, size_t *length,
                          struct fm_error *err) FM_MUST_CHECK;

#endif
