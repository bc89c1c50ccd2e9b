/* One small function a filter, and a table of them. */
#include "broker/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "broker/db.h"
#include "broker/fields.h"
#include "common/clock.h"
#include "common/query.h"

#include "proto/record_table.h"

#include "broker/list.def"

#include "proto/record_undef.h"

#define NAMES_LIMIT 24

/* ---- the query ---- */

static bool refuse_unknown(const struct fm_record *record, const char *name, struct fm_error *err)
{
    const char *names[NAMES_LIMIT];
    size_t count = 0;
    for (; count < record->field_count && count < NAMES_LIMIT; count++) {
        names[count] = record->fields[count].name;
    }
    return fm_fields_unknown(name, name, names, count, err);
}

bool fm_filter_read(const char *text, const struct fm_record *record, void *out,
                    struct fm_arena *arena, struct fm_error *err)
{
    FM_AUTO(fm_query_done) struct fm_query query;
    fm_pack_defaults(record, out);
    fm_query_init(&query, text);
    while (fm_query_next(&query)) {
        const char *name = fm_text_get(&query.name);
        const struct fm_field *field = fm_pack_field(record, name);
        bool is_metadata = record == &fm_record_job_query && fm_text_starts(name, "metadata[");
        if (field == NULL && !is_metadata) {
            return refuse_unknown(record, name, err);
        }
        if (field != NULL &&
            !fm_fields_set_text(field, fm_text_get(&query.value), name, arena, out, err)) {
            return false;
        }
    }
    return true;
}

static bool add_pair(struct fm_filter *filter, struct fm_slice name, const char *value,
                     struct fm_arena *arena, struct fm_error *err)
{
    if (filter->pair_count == FM_FILTER_PAIRS || name.length == 0) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "metadata",
                             "metadata[NAME]=VALUE may stand %d times at most", FM_FILTER_PAIRS);
    }
    filter->pairs[filter->pair_count++] =
        (struct fm_spec_pair){.name = fm_arena_strndup(arena, name.data, name.length),
                              .value = fm_arena_strndup(arena, value, strlen(value))};
    return true;
}

static bool read_metadata(const char *text, struct fm_arena *arena, struct fm_filter *filter,
                          struct fm_error *err)
{
    FM_AUTO(fm_query_done) struct fm_query query;
    static const size_t prefix = sizeof("metadata[") - 1;
    fm_query_init(&query, text);
    while (fm_query_next(&query)) {
        const char *name = fm_text_get(&query.name);
        size_t length = strlen(name);
        if (!fm_text_starts(name, "metadata[")) {
            continue;
        }
        bool is_closed = length > prefix && name[length - 1] == ']';
        struct fm_slice key = {name + prefix, is_closed ? length - prefix - 1 : 0};
        if (!add_pair(filter, key, fm_text_get(&query.value), arena, err)) {
            return false;
        }
    }
    return true;
}

/* ---- the filters ---- */

static bool read_status(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    for (const char *at = value; *at != '\0'; at += strspn(at, ",")) {
        size_t length = strcspn(at, ",");
        unsigned state = 0;
        while (state < FM_STATE_COUNT && !fm_slice_equals((struct fm_slice){at, length},
                                                          fm_state_name((enum fm_state)state))) {
            state++;
        }
        if (state == FM_STATE_COUNT) {
            return fm_fail_param(err, FM_INVALID_PARAMETER, "status",
                                 "status must be queued, scheduled, running, succeeded, failed or "
                                 "canceled, or several of these with commas");
        }
        filter->has_states = filter->states[state] = true;
        at += length;
    }
    return true;
}

static bool read_type(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    for (unsigned i = 0; fm_names_type[i] != NULL; i++) {
        if (strcmp(fm_names_type[i], value) == 0) {
            filter->has_type = true;
            filter->type = (enum fm_type)i;
            return true;
        }
    }
    return fm_fail_param(err, FM_INVALID_PARAMETER, "type", "type must be fetch or process");
}

static bool read_site(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text names = {0};
    filter->has_site = true;
    if (fm_site_by_name(value, &filter->site)) {
        return true;
    }
    fm_site_names(&names);
    return fm_fail_param(err, FM_INVALID_PARAMETER, "site", "site must be one of %s",
                         fm_text_get(&names));
}

static bool read_key(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    filter->has_key = fm_id_parse(FM_ID_KEY, value, &filter->key);
    return filter->has_key ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "key", "key must be an API key's id, key_…");
}

static bool read_batch(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    filter->has_batch = fm_id_parse(FM_ID_BATCH, value, &filter->batch);
    return filter->has_batch ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "batch", "batch must be a batch's id, batch_…");
}

static bool read_time(const char *name, const char *value, struct fm_id *bound,
                      struct fm_error *err)
{
    int64_t wall_us = 0;
    if (!fm_clock_parse(value, &wall_us)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, name,
                             "%s must be a time such as 2026-01-31T12:00:00Z", name);
    }
    *bound = fm_id_floor(wall_us / 1000);
    return true;
}

static bool read_after(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    return read_time("created_after", value, &filter->from, err);
}

static bool read_before(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    return read_time("created_before", value, &filter->below, err);
}

static bool read_cursor(struct fm_filter *filter, const char *value, struct fm_error *err)
{
    struct fm_id cursor;
    if (!fm_id_parse(FM_ID_JOB, value, &cursor)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "cursor",
                             "cursor must be the next_cursor of a page before");
    }
    if (fm_id_compare(&cursor, &filter->below) < 0) {
        filter->below = cursor;
    }
    return true;
}

static const struct {
    size_t offset;
    bool (*read)(struct fm_filter *filter, const char *value, struct fm_error *err);
} filters[] = {
    {offsetof(struct fm_job_query, status), read_status},
    {offsetof(struct fm_job_query, type), read_type},
    {offsetof(struct fm_job_query, site), read_site},
    {offsetof(struct fm_job_query, key), read_key},
    {offsetof(struct fm_job_query, batch), read_batch},
    {offsetof(struct fm_job_query, created_after), read_after},
    {offsetof(struct fm_job_query, created_before), read_before},
    {offsetof(struct fm_job_query, cursor), read_cursor}, /* after created_before */
};

bool fm_filter_jobs(const char *query, struct fm_arena *arena, struct fm_filter *filter,
                    struct fm_error *err)
{
    *filter = (struct fm_filter){0};
    memset(filter->below.bytes, 0xff, sizeof(filter->below.bytes));
    if (!fm_filter_read(query, &fm_record_job_query, &filter->asked, arena, err) ||
        !read_metadata(query, arena, filter, err)) {
        return false;
    }
    for (size_t i = 0; i < FM_COUNT(filters); i++) {
        const char *value = NULL;
        memcpy(&value, (const char *)&filter->asked + filters[i].offset, sizeof(value));
        if (value != NULL && *value != '\0' && !filters[i].read(filter, value, err)) {
            return false;
        }
    }
    return true;
}

/* ---- for the statement ---- */

/* As encode(bytea, 'escape') and lower() make it: bytes over 127 as \ooo, a backslash doubled. */
static void add_word(struct fm_text *array, const char *word)
{
    FM_AUTO(fm_text_done) struct fm_text escaped = {0};
    for (const char *at = word; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte > 127) {
            fm_text_format(&escaped, "\\%03o", byte);
        } else if (byte == '\\') {
            fm_text_append(&escaped, "\\\\");
        } else {
            fm_text_append_char(&escaped, (char)tolower(byte));
        }
    }
    fm_db_array_text(array, fm_text_get(&escaped));
}

void fm_filter_words(const struct fm_filter *filter, struct fm_text *array)
{
    fm_db_array_open(array, FM_DB_TEXT);
    if (filter->asked.text != NULL) {
        add_word(array, filter->asked.text);
    }
    for (size_t i = 0; i < filter->pair_count; i++) {
        add_word(array, filter->pairs[i].name);
        add_word(array, filter->pairs[i].value);
    }
}

void fm_filter_states(const struct fm_filter *filter, struct fm_text *array)
{
    fm_db_array_open(array, FM_DB_SMALLINT);
    for (unsigned state = 0; state < FM_STATE_COUNT; state++) {
        if (filter->states[state]) {
            fm_db_array_number(array, state);
        }
    }
}

/* ---- what the statement cannot tell ---- */

static bool has_text(const char *where, const char *text)
{
    return where != NULL && strcasestr(where, text) != NULL;
}

static bool matches_text(const struct fm_job_view *job, const char *text)
{
    const struct fm_spec_pair *pairs = job->spec.metadata.items;
    const struct fm_source_facts *source = job->has_result ? job->result.source : NULL;
    bool is_found = has_text(job->spec.url, text) || has_text(job->spec.filename, text) ||
                    (source != NULL && has_text(source->title, text));
    for (size_t i = 0; !is_found && i < job->spec.metadata.count; i++) {
        is_found = has_text(pairs[i].name, text) || has_text(pairs[i].value, text);
    }
    return is_found;
}

static bool has_pair(const struct fm_job_view *job, const struct fm_spec_pair *wanted)
{
    const struct fm_spec_pair *pairs = job->spec.metadata.items;
    for (size_t i = 0; i < job->spec.metadata.count; i++) {
        if (pairs[i].name != NULL && strcmp(pairs[i].name, wanted->name) == 0) {
            return strcmp(pairs[i].value != NULL ? pairs[i].value : "", wanted->value) == 0;
        }
    }
    return false;
}

bool fm_filter_matches(const struct fm_filter *filter, const struct fm_job_view *job)
{
    const char *text = filter->asked.text;
    bool is_match = text == NULL || *text == '\0' || matches_text(job, text);
    for (size_t i = 0; is_match && i < filter->pair_count; i++) {
        is_match = has_pair(job, &filter->pairs[i]);
    }
    return is_match;
}
