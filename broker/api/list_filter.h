/*
 * The query of a list → what job_list.sql is asked, and what it cannot tell: whether text and
 * metadata truly match. Pure.
 * Before: a raw query. After: the statement's parameters.
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
    struct fm_id below, from; /* ids: below ≥ id ≥ from */
};

/* Reads `record` (one of list.def's) from a query; unknown names and bad values name the parameter.
 * What `out` points at lives in the arena. */
bool fm_list_filter_read(const char *query, const struct fm_record *record, void *out,
                         struct fm_arena *arena, struct fm_error *err) FM_MUST_CHECK;
bool fm_list_filter_jobs(const char *query, struct fm_arena *arena, struct fm_list_filter *filter,
                         struct fm_error *err) FM_MUST_CHECK;
/* The words of text and metadata as job_list.sql compares them: an array. */
void fm_list_filter_words(const struct fm_list_filter *filter, struct fm_text *array);
void fm_list_filter_states(const struct fm_list_filter *filter, struct fm_text *array);
/* What the statement's words only suggest. */
bool fm_list_filter_matches(const struct fm_list_filter *filter, const struct fm_job_view *job);
#endif
