/*
 * Reads the query of a list, makes the parameters of job_list.sql from it, and checks what that
 * statement can only guess: whether text and metadata really match a job. Pure.
 * Before: a raw query. After: the statement's parameters, and rows that are known to match.
 */
#ifndef FM_BROKER_API_LIST_FILTER_H
#define FM_BROKER_API_LIST_FILTER_H

#include "broker/api/job_view.h"
#include "common/memory.h"
#include "proto/pack.h"

#include "proto/record_struct.h"

#include "broker/api/list.def"

#include "proto/record_undef.h"

struct fm_list_filter {
    struct fm_job_query asked;
    bool has_states, has_type, has_site, has_key, has_batch;
    bool states[FM_STATE_COUNT];
    enum fm_type type;
    enum fm_site site;
    struct fm_id key, batch;
    struct fm_id below, from; /* the range of ids, which sort by creation time */
};

/* Reads `record` (a record of list.def) from a raw query. UNKNOWN_PARAMETER or INVALID_PARAMETER,
 * naming the parameter. The memory that `out` points at lives in the arena. */
bool fm_list_filter_read(const char *query, const struct fm_record *record, void *out,
                         struct fm_arena *arena, struct fm_error *err) FM_MUST_CHECK;
/* Reads the filters of a list of jobs. Errors and memory as above. */
bool fm_list_filter_jobs(const char *query, struct fm_arena *arena, struct fm_list_filter *filter,
                         struct fm_error *err) FM_MUST_CHECK;
/* Appends the texts that job_list.sql must find in a job, as an array in the statement's escaped
 * form: those of `text` and of `metadata`. */
void fm_list_filter_words(const struct fm_list_filter *filter, struct fm_text *array);
/* Appends the wanted states as an array of smallint. */
void fm_list_filter_states(const struct fm_list_filter *filter, struct fm_text *array);
/* True if text and metadata really match the job: the statement finds the texts anywhere in a
 * packed spec, so it may return too many rows, but never too few. */
bool fm_list_filter_matches(const struct fm_list_filter *filter, const struct fm_job_view *job);
#endif
