/* Reads each filter with a small function of its own, by a table: see list_filter.h. */
#include "broker/api/list_filter.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "broker/db/db.h"
#include "broker/spec/fields.h"
#include "common/clock.h"
#include "common/query.h"

#include "proto/record_table.h"

#include "broker/api/list.def"

#include "proto/record_undef.h"

#define NAMES_LIMIT 24

/* ---- the query ---- */

static bool refuse_unknown(const struct fm_record *record, const char *name, struct fm_error *err)
{
    const char *names[NAMES_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < record->field_count && count < NAMES_LIMIT; i++) {
        if (record->fields[i].kind != FM_FIELD_LIST) {
            names[count++] = record->fields[i].name;
        }
    }
    return fm_fields_unknown(name, name, names, count, err);
}

/* NAME[KEY]=VALUE is a pair of the LIST called NAME; all other fields are given by their names. */
static const struct fm_field *find_field(const struct fm_record *record, const char *name)
{
    size_t length = strcspn(name, "[");
    for (size_t i = 0; i < record->field_count; i++) {
        const struct fm_field *field = &record->fields[i];
        bool is_pair = field->kind == FM_FIELD_LIST;
        if (strncmp(field->name, name, length) == 0 && field->name[length] == '\0' &&
            is_pair == (name[length] == '[')) {
            return field;
        }
    }
    return NULL;
}

static bool add_pair(const struct fm_field *field, const char *name, const char *value,
                     struct fm_arena *arena, void *out, struct fm_error *err)
{
    struct fm_list *list = (void *)((char *)out + field->offset);
    const char *key = name + strlen(field->name) + 1;
    size_t length = strlen(key), limit = (size_t)field->max;
    bool is_closed = length > 1 && key[length - 1] == ']';
    if (list->count == limit || !is_closed) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, field->name,
                             "%s[NAME]=VALUE may be given %zu times at most", field->name, limit);
    }
    if (list->items == NULL) {
        list->items = fm_arena_alloc(arena, limit * sizeof(struct fm_spec_pair));
    }
    struct fm_spec_pair *pairs = list->items;
    pairs[list->count++] =
        (struct fm_spec_pair){.name = fm_arena_strndup(arena, key, length - 1),
                              .value = fm_arena_strndup(arena, value, strlen(value))};
    return true;
}

bool fm_list_filter_read(const char *text, const struct fm_record *record, void *out,
                         struct fm_arena *arena, struct fm_error *err)
{
    FM_AUTO(fm_query_done) struct fm_query query;
    fm_pack_defaults(record, out);
    fm_query_init(&query, text);
    while (fm_query_next(&query)) {
        const char *name = fm_text_get(&query.name), *value = fm_text_get(&query.value);
        const struct fm_field *field = find_field(record, name);
        if (field == NULL) {
            return refuse_unknown(record, name, err);
        }
        if (field->kind == FM_FIELD_LIST
                ? !add_pair(field, name, value, arena, out, err)
                : !fm_fields_set_text(field, value, name, arena, out, err)) {
            return false;
        }
    }
    return true;
}

/* ---- the filters ---- */

static bool read_status(struct fm_list_filter *filter, const char *value, struct fm_error *err)
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

static bool read_type(struct fm_list_filter *filter, const char *value, struct fm_error *err)
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

static bool read_site(struct fm_list_filter *filter, const char *value, struct fm_error *err)
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

static bool read_key(struct fm_list_filter *filter, const char *value, struct fm_error *err)
{
    filter->has_key = fm_id_parse(FM_ID_KEY, value, &filter->key);
    return filter->has_key ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "key", "key must be an API key's id, key_…");
}

static bool read_batch(struct fm_list_filter *filter, const char *value, struct fm_error *err)
{
    filter->has_batch = fm_id_parse(FM_ID_BATCH, value, &filter->batch);
    return filter->has_batch ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "batch", "batch must be a batch's id, batch_…");
}

/* Ids sort by creation time, so a time is the lowest id of its millisecond. */
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

static bool read_after(struct fm_list_filter *filter, const char *value, struct fm_error *err)
{
    return read_time("created_after", value, &filter->from, err);
}

static bool read_before(struct fm_list_filter *filter, const char *value, struct fm_error *err)
{
    return read_time("created_before", value, &filter->below, err);
}

static bool read_cursor(struct fm_list_filter *filter, const char *value, struct fm_error *err)
{
    struct fm_id cursor;
    if (!fm_id_parse(FM_ID_JOB, value, &cursor)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "cursor",
                             "cursor must be the next_cursor of a previous page");
    }
    if (fm_id_compare(&cursor, &filter->below) < 0) {
        filter->below = cursor;
    }
    return true;
}

static const struct {
    size_t offset;
    bool (*read)(struct fm_list_filter *filter, const char *value, struct fm_error *err);
} filters[] = {
    {offsetof(struct fm_job_query, status), read_status},
    {offsetof(struct fm_job_query, type), read_type},
    {offsetof(struct fm_job_query, site), read_site},
    {offsetof(struct fm_job_query, key), read_key},
    {offsetof(struct fm_job_query, batch), read_batch},
    {offsetof(struct fm_job_query, created_after), read_after},
    {offsetof(struct fm_job_query, created_before), read_before},
    {offsetof(struct fm_job_query, cursor), read_cursor}, /* must follow created_before */
};

bool fm_list_filter_jobs(const char *query, struct fm_arena *arena, struct fm_list_filter *filter,
                         struct fm_error *err)
{
    *filter = (struct fm_list_filter){0};
    memset(filter->below.bytes, 0xff, sizeof(filter->below.bytes));
    if (!fm_list_filter_read(query, &fm_record_job_query, &filter->asked, arena, err)) {
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

/* Writes a text as lower(encode(bytea, 'escape')) does in PostgreSQL: a byte over 127 as \ooo, a
 * backslash doubled. */
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

void fm_list_filter_words(const struct fm_list_filter *filter, struct fm_text *array)
{
    fm_db_array_open(array, FM_DB_TEXT);
    if (filter->asked.text != NULL) {
        add_word(array, filter->asked.text);
    }
    const struct fm_spec_pair *pairs = filter->asked.metadata.items;
    for (size_t i = 0; i < filter->asked.metadata.count; i++) {
        add_word(array, pairs[i].name);
        add_word(array, pairs[i].value);
    }
}

void fm_list_filter_states(const struct fm_list_filter *filter, struct fm_text *array)
{
    fm_db_array_open(array, FM_DB_SMALLINT);
    for (unsigned state = 0; state < FM_STATE_COUNT; state++) {
        if (filter->states[state]) {
            fm_db_array_number(array, state);
        }
    }
}

/* ---- the exact match, which the statement cannot decide ---- */

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

bool fm_list_filter_matches(const struct fm_list_filter *filter, const struct fm_job_view *job)
{
    const char *text = filter->asked.text;
    bool is_match = text == NULL || *text == '\0' || matches_text(job, text);
    const struct fm_spec_pair *pairs = filter->asked.metadata.items;
    for (size_t i = 0; is_match && i < filter->asked.metadata.count; i++) {
        is_match = has_pair(job, &pairs[i]);
    }
    return is_match;
}
