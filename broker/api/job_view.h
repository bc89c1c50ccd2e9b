/*
 * Writes the job object of the API from a row of the database, with its ETag and its signed URLs;
 * every reply with a job uses it.
 * Before: a row (db/reader.h). After: JSON text. Pure, except that fm_job_view_explain reads the
 * queue's reasons and the clock.
 */
#ifndef FM_BROKER_API_JOB_VIEW_H
#define FM_BROKER_API_JOB_VIEW_H

#include "broker/db/reader.h"
#include "broker/queue/reason.h"
#include "broker/store/signed_url.h"
#include "proto/message.h"
#include "proto/spec.h"

/* A row with its packed parts (spec, progress, result) decoded. */
struct fm_job_view {
    const struct fm_reader_job *row; /* borrowed */
    struct fm_spec spec;
    bool has_progress, has_result;
    int64_t position, eta_seconds; /* set by fm_job_view_explain; -1: unknown */
    const char *reason;            /* set by fm_job_view_explain: why it waits; static, or NULL */
    struct fm_progress progress;
    struct fm_result result;
};

#define FM_JOB_VIEW_TAG_SIZE 48 /* a state, "-" and 32 hex digits, in quotes */

/* Decodes a row. The memory that `job` points at lives in the arena and in the row. */
bool fm_job_view_read(const struct fm_reader_job *row, struct fm_arena *arena,
                      struct fm_job_view *job, struct fm_error *err) FM_MUST_CHECK;
/* Fills in a queued job's position, the time until it starts, and the reason why it waits. */
void fm_job_view_explain(struct fm_job_view *job, struct fm_reason *reason);
/* Appends the object. `signed_url` signs the URLs of its outputs; `base` begins its absolute links.
 */
void fm_job_view_write(const struct fm_job_view *job, const struct fm_signed_url *signed_url,
                       const char *base, int64_t now_us, struct fm_text *out);
/* The strong entity tag of an object's text. It contains the state, so that a long-poll with
 * If-None-Match can wait for a state other than the one the client knows. */
void fm_job_view_tag(enum fm_state state, struct fm_slice object, char out[FM_JOB_VIEW_TAG_SIZE]);
/* Reads the state out of such a tag, weak or strong. False if it is not one of our tags. */
bool fm_job_view_tag_state(const char *tag, enum fm_state *state);
/* The delivered file with this name (with or without its extension), or NULL. */
const struct fm_file_facts *fm_job_view_output(const struct fm_job_view *job, const char *name);
/* Appends the signed, absolute URL of the first output. Returns false and appends nothing if the
 * job has no output, or no longer has it. */
bool fm_job_view_first_url(const struct fm_job_view *job, const struct fm_signed_url *signed_url,
                           const char *base, int64_t now_us, struct fm_text *out);
/* The file's key in the store, with its size and digest. */
struct fm_store_object fm_job_view_object(const struct fm_job_view *job,
                                          const struct fm_file_facts *file);
/* True once the job's outputs are past the time for which they are kept. */
bool fm_job_view_is_expired(const struct fm_job_view *job, int64_t now_us);
/* For Retry-After: after how many seconds a client should poll again. */
unsigned fm_job_view_retry_after(const struct fm_job_view *job);

struct fm_request;
/* Changing a job requires the scopes that creating it requires: INSUFFICIENT_SCOPE unless the
 * request's key has them for the job that its lookup found. */
bool fm_job_view_check_scope(struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;

#endif
