/* A row → the one JSON object a job is everywhere, and its ETag. Pure but for the clock handed in.
 */
#ifndef FM_BROKER_API_JOB_VIEW_H
#define FM_BROKER_API_JOB_VIEW_H

#include "broker/db/reader.h"
#include "broker/queue/reason.h"
#include "broker/store/signed_url.h"
#include "proto/message.h"
#include "proto/spec.h"

/* A row with what its packed parts say. */
struct fm_job_view {
    const struct fm_reader_job *row; /* borrowed */
    struct fm_spec spec;
    bool has_progress, has_result;
    int64_t position, eta_seconds; /* likewise; -1: unknown */
    const char *reason;            /* why it waits, where fm_job_explain was asked; static */
    struct fm_progress progress;
    struct fm_result result;
};

#define FM_JOB_VIEW_TAG_SIZE 48 /* "running-" and 32 hex digits in quotes */

/* Unpacks; what the job points at lives in the arena and the row. */
bool fm_job_view_read(const struct fm_reader_job *row, struct fm_arena *arena,
                      struct fm_job_view *job, struct fm_error *err) FM_MUST_CHECK;
/* Says where it stands, for how long, and why it waits. */
void fm_job_view_explain(struct fm_job_view *job, struct fm_reason *reason);
/* Appends the object. `base`: of absolute links. */
void fm_job_view_write(const struct fm_job_view *job, const struct fm_signed_url *grant,
                       const char *base, int64_t now_us, struct fm_text *out);
/* The strong entity tag of an object's text; it says the state, for whoever waits for another. */
void fm_job_view_tag(enum fm_state state, struct fm_slice object, char out[FM_JOB_VIEW_TAG_SIZE]);
/* The state a tag of ours (weak or strong) was given for; false: it is none. */
bool fm_job_view_tag_state(const char *tag, enum fm_state *state);
/* The delivered file of that name (with or without its extension), or NULL. */
const struct fm_file_facts *fm_job_view_output(const struct fm_job_view *job, const char *name);
/* Appends the signed, absolute URL of the first output; false, and nothing: it has none (any more).
 */
bool fm_job_view_first_url(const struct fm_job_view *job, const struct fm_signed_url *grant,
                           const char *base, int64_t now_us, struct fm_text *out);
/* Where the store has it. */
struct fm_store_object fm_job_view_object(const struct fm_job_view *job,
                                          const struct fm_file_facts *file);
/* The outputs' keeping time is over. */
bool fm_job_view_is_expired(const struct fm_job_view *job, int64_t now_us);
/* Seconds a client does well to wait before it asks again. */
unsigned fm_job_view_retry_after(const struct fm_job_view *job);

struct fm_request;
/* To change a job takes the scope that making it took: INSUFFICIENT_SCOPE unless the request's key
 * has it for the job that its look-up found. */
bool fm_job_view_check_scope(struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;

#endif
