/*
 * Fills two drafts of a spec, one from the query and one from the body, and merges them; check.c
 * then checks the result as a whole.
 * Before: a request with its body. After: a spec that fm_spec_write takes.
 */
#include "broker/spec/validate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "broker/spec/check.h"
#include "broker/spec/fields.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/query.h"
#include "common/scope.h"

#include "proto/record_table.h"

#include "broker/spec/extra.def"

#include "proto/record_undef.h"

#define NAMES_LIMIT 24 /* parameters that a "Did you mean" chooses from */

/* What one of the two sources contained. */
struct draft {
    struct fm_spec spec;
    uint64_t given; /* one bit for each field of the record: it was given */
    int wait_seconds;
    bool wants_download;
    struct fm_arena *arena;
    enum fm_type type;
};

/* Fields of the spec that clients do not set under these names. */
/* The route or the job of a batch gives `type` and `site`; clients set run_at_ms as `run_at`. */
static const char *const hidden[] = {"type", "site", "run_at_ms"};

const struct fm_field *fm_validate_field(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(hidden); i++) {
        if (strcmp(name, hidden[i]) == 0) {
            return NULL;
        }
    }
    return fm_pack_field(&fm_record_spec, name);
}

static void mark_given(struct draft *draft, const char *name)
{
    draft->given |= UINT64_C(1) << (fm_pack_field(&fm_record_spec, name) - fm_record_spec.fields);
}

static bool has(const struct draft *draft, const char *name)
{
    size_t place = (size_t)(fm_pack_field(&fm_record_spec, name) - fm_record_spec.fields);
    return (draft->given >> place & 1) != 0;
}

static bool unknown(const char *name, struct fm_error *err)
{
    const char *names[NAMES_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < fm_record_spec_extra.field_count; i++) {
        names[count++] = fm_record_spec_extra.fields[i].name;
    }
    for (size_t i = 0; i < fm_record_spec.field_count && count < NAMES_LIMIT; i++) {
        if (fm_validate_field(fm_record_spec.fields[i].name) != NULL) {
            names[count++] = fm_record_spec.fields[i].name;
        }
    }
    return fm_fields_unknown(name, name, names, count, err);
}

/* ---- parameters that are not a field with the same name ---- */

static bool set_wait(struct draft *draft, const char *value, struct fm_error *err)
{
    uint64_t seconds = 0;
    if (!fm_text_to_u64(value, 0, FM_VALIDATE_WAIT_SECONDS, &seconds)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "wait",
                             "wait must be a whole number from 0 to %d", FM_VALIDATE_WAIT_SECONDS);
    }
    draft->wait_seconds = (int)seconds;
    return true;
}

/* Accepted in a query alone, because it is about the reply and not about the job. */
static bool set_download(struct draft *draft, const char *value, struct fm_error *err)
{
    draft->wants_download = strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0;
    return draft->wants_download || strcmp(value, "0") == 0 || strcasecmp(value, "false") == 0 ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "download", "download must be 1 or 0");
}

static bool set_run_at(struct draft *draft, const char *value, struct fm_error *err)
{
    int64_t wall_us = 0;
    if (!fm_clock_parse(value, &wall_us) || wall_us < 0) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "run_at",
                             "run_at must be a time like 2030-01-31T12:00:00Z");
    }
    draft->spec.run_at_ms = (uint64_t)(wall_us / 1000);
    mark_given(draft, "run_at_ms");
    return true;
}

/* Reads {"url": …}. A source by job, output or file is reserved, but not supported yet. */
static bool set_source(struct draft *draft, const struct fm_json *value, struct fm_error *err)
{
    static const char *const kinds[] = {"job", "output", "file"};
    if (fm_json_kind(value) != FM_JSON_OBJECT) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "source",
                             "source must be an object with a url");
    }
    for (size_t i = 0; i < FM_COUNT(kinds); i++) {
        if (fm_json_get(value, kinds[i]) != NULL) {
            return fm_fail_param(err, FM_INVALID_PARAMETER, "source",
                                 "A source given by %s is not supported yet; give its url",
                                 kinds[i]);
        }
    }
    for (void *i = fm_json_first(value); i != NULL; i = fm_json_next(value, i)) {
        static const char *const names[] = {"url"};
        if (strcmp(fm_json_name(i), "url") != 0) {
            char path[FM_FIELDS_PATH];
            snprintf(path, sizeof(path), "source.%s", fm_json_name(i));
            return fm_fields_unknown(path, fm_json_name(i), names, FM_COUNT(names), err);
        }
        mark_given(draft, "url");
        if (!fm_fields_set_json(fm_validate_field("url"), fm_json_value(i), "source.url",
                                draft->arena, &draft->spec, err)) {
            return false;
        }
    }
    return true;
}

static bool set_source_text(struct draft *draft, const char *value, struct fm_error *err)
{
    struct fm_json *parsed = NULL;
    if (!fm_json_parse(fm_slice_of(value), &parsed, NULL)) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "source",
                             "source must be an object with a url");
    }
    bool ok = set_source(draft, parsed, err);
    fm_json_destroy(&parsed);
    return ok;
}

static bool is_source(const struct draft *draft, const char *name)
{
    return draft->type == FM_TYPE_PROCESS && strcmp(name, "source") == 0;
}

/* ---- one parameter of a query, one member of a body ---- */

/* A text from either source; a JSON text is read like a query's value. */
static bool set_text(struct draft *draft, const char *name, const char *value, struct fm_error *err)
{
    const struct fm_field *field = fm_validate_field(name);
    if (strcmp(name, "wait") == 0) {
        return set_wait(draft, value, err);
    }
    if (strcmp(name, "run_at") == 0) {
        return set_run_at(draft, value, err);
    }
    if (is_source(draft, name)) {
        return set_source_text(draft, value, err);
    }
    if (field == NULL) {
        return unknown(name, err);
    }
    if (has(draft, name)) {
        return fm_fail_param(err, FM_CONFLICTING_PARAMETERS, name, "%s is given twice", name);
    }
    mark_given(draft, name);
    return fm_fields_set_text(field, value, name, draft->arena, &draft->spec, err);
}

/* `wait` and `run_at` are read as texts, so a JSON number is turned into one first. */
static bool set_json(struct draft *draft, const char *name, const struct fm_json *value,
                     struct fm_error *err)
{
    const struct fm_field *field = fm_validate_field(name);
    if (fm_json_kind(value) == FM_JSON_NULL && (field != NULL || strcmp(name, "run_at") == 0)) {
        return true;
    }
    if (is_source(draft, name) && fm_json_kind(value) != FM_JSON_TEXT) {
        return set_source(draft, value, err);
    }
    if (fm_json_kind(value) == FM_JSON_TEXT) {
        return set_text(draft, name, fm_json_text(value), err);
    }
    if (strcmp(name, "wait") == 0 || strcmp(name, "run_at") == 0) {
        char number[24];
        snprintf(number, sizeof(number), "%lld", (long long)fm_json_integer(value));
        return set_text(draft, name, number, err);
    }
    if (field == NULL) {
        return unknown(name, err);
    }
    mark_given(draft, name);
    return fm_fields_set_json(field, value, name, draft->arena, &draft->spec, err);
}

/* ---- the query and the body ---- */

/* After a url that was pasted without encoding, an unexpected parameter is most likely part of that
 * url. */
static bool blame_url(const char *name, struct fm_error *err)
{
    return fm_fail_param(err, FM_UNKNOWN_PARAMETER, name,
                         "Unknown parameter %.64s. If it belongs to the url, percent-encode the "
                         "url",
                         name);
}

static bool has_byte(struct fm_slice raw, char byte)
{
    return raw.length > 0 && memchr(raw.data, byte, raw.length) != NULL;
}

static bool read_query(struct draft *draft, const char *text, struct fm_error *err)
{
    bool is_url_raw = false, has_own_query = false;
    FM_AUTO(fm_query_done) struct fm_query query;
    fm_query_init(&query, text);
    while (fm_query_next(&query)) {
        const char *name = fm_text_get(&query.name);
        if (strcmp(name, "download") == 0) {
            if (has_own_query) {
                return blame_url(name, err);
            }
            if (!set_download(draft, fm_text_get(&query.value), err)) {
                return false;
            }
            continue;
        }
        if (!set_text(draft, name, fm_text_get(&query.value), err)) {
            bool is_stray =
                is_url_raw && err != NULL &&
                (err->code == FM_UNKNOWN_PARAMETER || err->code == FM_CONFLICTING_PARAMETERS);
            return is_stray ? blame_url(name, err) : false;
        }
        if (strcmp(name, "url") == 0) {
            is_url_raw = has_byte(query.raw, '/');
            has_own_query = is_url_raw && has_byte(query.raw, '?');
        }
    }
    return true;
}

static bool read_object(struct draft *draft, const struct fm_json *object, struct fm_error *err)
{
    if (fm_json_kind(object) != FM_JSON_OBJECT) {
        return fm_fail_param(err, FM_INVALID_REQUEST, NULL, "The body must be a JSON object");
    }
    for (void *i = fm_json_first(object); i != NULL; i = fm_json_next(object, i)) {
        if (!set_json(draft, fm_json_name(i), fm_json_value(i), err)) {
            return false;
        }
    }
    return true;
}

static bool read_json(struct draft *draft, struct fm_slice body, struct fm_error *err)
{
    struct fm_json *root = NULL;
    if (!fm_json_parse(body, &root, err)) {
        return false;
    }
    bool ok = read_object(draft, root, err);
    fm_json_destroy(&root);
    return ok;
}

static bool is_media_type(const char *content_type, const char *wanted)
{
    size_t length = strcspn(content_type, "; \t");
    return length == strlen(wanted) && strncasecmp(content_type, wanted, length) == 0;
}

/* A body is JSON by its content type, or by its first byte whatever the type is: curl -d sends JSON
 * under the type of a form. */
static bool read_body(struct draft *draft, const struct fm_validate_input *input,
                      struct fm_error *err)
{
    const char *type = input->content_type != NULL ? input->content_type : "";
    struct fm_slice body = input->body;
    while (body.length > 0 && strchr(" \t\r\n", body.data[0]) != NULL) {
        body.data++;
        body.length--;
    }
    if (body.length == 0) {
        return true;
    }
    bool is_form = is_media_type(type, "application/x-www-form-urlencoded");
    if (is_media_type(type, "application/json") || strchr("{[", body.data[0]) != NULL) {
        return read_json(draft, input->body, err);
    }
    if (!is_form || memchr(body.data, '\0', body.length) != NULL) {
        return fm_fail_param(err, FM_UNSUPPORTED_MEDIA_TYPE, NULL,
                             "Send the body as application/json");
    }
    return read_query(draft, fm_arena_strndup(draft->arena, body.data, body.length), err);
}

/* A field given in both must have equal values. Of `wait` the body's value counts. */
static bool merge(struct draft *into, const struct draft *from, struct fm_error *err)
{
    for (size_t i = 0; i < fm_record_spec.field_count; i++) {
        const struct fm_field *field = &fm_record_spec.fields[i];
        if (!has(from, field->name)) {
            continue;
        }
        if (has(into, field->name) && !fm_fields_equal(field, &into->spec, &from->spec)) {
            return fm_fail_param(err, FM_CONFLICTING_PARAMETERS, field->name,
                                 "%s differs between the query and the body", field->name);
        }
        memcpy((char *)&into->spec + field->offset, (const char *)&from->spec + field->offset,
               fm_fields_size(field));
        mark_given(into, field->name);
    }
    into->wait_seconds =
        from->wait_seconds != FM_VALIDATE_NO_WAIT ? from->wait_seconds : into->wait_seconds;
    return true;
}

static struct draft draft_of(const struct fm_validate_input *input, struct fm_arena *arena)
{
    struct draft draft = {.wait_seconds = FM_VALIDATE_NO_WAIT, .arena = arena, .type = input->type};
    fm_pack_defaults(&fm_record_spec, &draft.spec);
    return draft;
}

bool fm_validate_spec(const struct fm_validate_input *input, struct fm_arena *arena,
                      struct fm_validate_result *result, struct fm_error *err)
{
    struct draft query = draft_of(input, arena), body = draft_of(input, arena);
    if (!read_query(&query, input->query, err) || !read_body(&body, input, err) ||
        !merge(&query, &body, err)) {
        return false;
    }
    query.spec.type = input->type;
    result->spec = query.spec;
    result->wait_seconds = query.wait_seconds;
    result->wants_download = query.wants_download;
    return fm_check_spec(input, arena, &result->spec, err);
}

/* ---- a job of a batch ---- */

/* These two are read before the other members, whose meaning depends on them. */
static bool is_kind(const char *name)
{
    return strcmp(name, "type") == 0 || strcmp(name, "site") == 0;
}

/* Without a type, a job with a `source` is a process job, and any other a fetch. */
static bool read_type(const struct fm_json *object, enum fm_type *type, struct fm_error *err)
{
    const struct fm_json *given = fm_json_get(object, "type");
    *type = fm_json_get(object, "source") != NULL ? FM_TYPE_PROCESS : FM_TYPE_FETCH;
    if (fm_json_kind(given) == FM_JSON_NULL) {
        return true;
    }
    for (size_t i = 0; fm_names_type[i] != NULL; i++) {
        if (strcmp(fm_json_text(given), fm_names_type[i]) == 0) {
            *type = (enum fm_type)i;
            return true;
        }
    }
    return fm_fail_param(err, FM_INVALID_PARAMETER, "type", "type must be one of fetch, process");
}

static unsigned scope_of(enum fm_type type)
{
    return type == FM_TYPE_PROCESS ? FM_SCOPE_PROCESS : FM_SCOPE_FETCH;
}

static bool read_job(struct draft *draft, const struct fm_json *object, struct fm_error *err)
{
    for (void *i = fm_json_first(object); i != NULL; i = fm_json_next(object, i)) {
        const char *name = fm_json_name(i);
        if (strcmp(name, "wait") == 0) {
            return fm_fail_param(err, FM_UNKNOWN_PARAMETER, name, "A job of a batch cannot wait");
        }
        if (!is_kind(name) && !set_json(draft, name, fm_json_value(i), err)) {
            return false;
        }
    }
    return true;
}

bool fm_validate_job(const struct fm_validate_input *input, struct fm_arena *arena,
                     struct fm_validate_result *result, struct fm_error *err)
{
    FM_AUTO(fm_json_destroy) struct fm_json *root = NULL;
    struct fm_validate_input own = *input;
    if (!fm_json_parse(input->body, &root, err)) {
        return false;
    }
    const struct fm_json *site = fm_json_get(root, "site");
    if (fm_json_kind(root) != FM_JSON_OBJECT) {
        return fm_fail_param(err, FM_INVALID_REQUEST, NULL, "A job must be a JSON object");
    }
    if (!read_type(root, &own.type, err) || !fm_scope_check(own.scopes, scope_of(own.type), err)) {
        return false;
    }
    own.site = fm_json_kind(site) == FM_JSON_NULL ? NULL : fm_json_text(site);
    struct draft draft = draft_of(&own, arena);
    if (!read_job(&draft, root, err)) {
        return false;
    }
    draft.spec.type = own.type;
    result->spec = draft.spec;
    result->wait_seconds = FM_VALIDATE_NO_WAIT;
    return fm_check_spec(&own, arena, &result->spec, err);
}

bool fm_validate_query(const char *query_text, bool may_wait, struct fm_validate_result *result,
                       struct fm_error *err)
{
    struct draft draft = {.wait_seconds = FM_VALIDATE_NO_WAIT};
    static const char *const names[] = {"wait", "download"};
    FM_AUTO(fm_query_done) struct fm_query query;
    fm_query_init(&query, query_text);
    while (fm_query_next(&query)) {
        const char *name = fm_text_get(&query.name), *value = fm_text_get(&query.value);
        bool is_wait = may_wait && strcmp(name, names[0]) == 0;
        if (!is_wait && !(may_wait && strcmp(name, names[1]) == 0)) {
            return fm_fields_unknown(name, name, names, may_wait ? FM_COUNT(names) : 0, err);
        }
        if (!(is_wait ? set_wait : set_download)(&draft, value, err)) {
            return false;
        }
    }
    result->wait_seconds = draft.wait_seconds;
    result->wants_download = draft.wants_download;
    return true;
}

int fm_validate_prefer(const char *prefer)
{
    const char *at = prefer != NULL ? strcasestr(prefer, "wait=") : NULL;
    if (at == NULL || (at != prefer && strchr(", ;\t", at[-1]) == NULL)) {
        return FM_VALIDATE_NO_WAIT;
    }
    int seconds = 0;
    for (at += 5; *at >= '0' && *at <= '9' && seconds < FM_VALIDATE_WAIT_SECONDS; at++) {
        seconds = seconds * 10 + (*at - '0');
    }
    return seconds < FM_VALIDATE_WAIT_SECONDS ? seconds : FM_VALIDATE_WAIT_SECONDS;
}
