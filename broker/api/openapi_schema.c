/*
 * The schemas of the API's description: what may be asked comes from spec.def, what is answered is
 * said here, beside the files that write it (job_view.c, page.c, reply.c).
 */
#include "broker/api/openapi_schema.h"

#include <stdio.h>
#include <string.h>

#include "broker/spec/fields.h"
#include "broker/spec/validate.h"
#include "common/error.h"
#include "common/state.h"

/* ---- small schemas ---- */

static void put_type(struct fm_json_writer *json, const char *type, bool may_be_null)
{
    if (!may_be_null) {
        fm_json_put_text(json, "type", type);
        return;
    }
    fm_json_open(json, "type", '[');
    fm_json_put_text(json, NULL, type);
    fm_json_put_text(json, NULL, "null");
    fm_json_close(json, ']');
}

void fm_openapi_schema_ref(struct fm_json_writer *json, const char *name, const char *schema)
{
    char ref[96];
    snprintf(ref, sizeof(ref), "#/components/schemas/%s", schema);
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "$ref", ref);
    fm_json_close(json, '}');
}

static void put_names(struct fm_json_writer *json, const char *const *names)
{
    fm_json_open(json, "enum", '[');
    for (size_t i = 0; names[i] != NULL; i++) {
        fm_json_put_text(json, NULL, names[i]);
    }
    fm_json_close(json, ']');
}

/* ---- requests: spec.def ---- */

static void put_record(struct fm_json_writer *json, const char *name,
                       const struct fm_record *record);

static void put_bounds(struct fm_json_writer *json, const struct fm_field *field)
{
    fm_json_put_double(json, "minimum", field->min);
    if (field->max >= 0) {
        fm_json_put_double(json, "maximum", field->max);
    }
}

/* 0 is no wish; what may be wished for begins further up. */
static void put_zero_or(struct fm_json_writer *json, const struct fm_field *field)
{
    fm_json_open(json, "anyOf", '[');
    fm_json_open(json, NULL, '{');
    fm_json_put_double(json, "const", 0);
    fm_json_close(json, '}');
    fm_json_open(json, NULL, '{');
    put_bounds(json, field);
    fm_json_close(json, '}');
    fm_json_close(json, ']');
}

static void put_range(struct fm_json_writer *json, const struct fm_field *field)
{
    fm_json_put_text(json, "type", field->kind == FM_FIELD_REAL ? "number" : "integer");
    if (fm_fields_takes_zero(field)) {
        put_zero_or(json, field);
    } else {
        put_bounds(json, field);
    }
    fm_json_put_double(json, "default", field->standard);
}

static bool is_pairs(const struct fm_field *field)
{
    return field->record->field_count == 2 && strcmp(field->record->fields[1].name, "value") == 0;
}

static void put_list(struct fm_json_writer *json, const struct fm_field *field)
{
    if (is_pairs(field)) {
        fm_json_put_text(json, "type", "object");
        fm_json_put_double(json, "maxProperties", field->max);
        fm_json_open(json, "additionalProperties", '{');
        fm_json_put_text(json, "type", "string");
        fm_json_put_double(json, "maxLength", field->record->fields[1].max);
        fm_json_close(json, '}');
        return;
    }
    fm_json_put_text(json, "type", "array");
    fm_json_put_double(json, "maxItems", field->max);
    put_record(json, "items", field->record);
}

void fm_openapi_schema_field(struct fm_json_writer *json, const char *name,
                             const struct fm_field *field)
{
    if (field->kind == FM_FIELD_RECORD) {
        put_record(json, name, field->record);
        return;
    }
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "description", field->prose);
    switch (field->kind) {
    case FM_FIELD_NUMBER:
    case FM_FIELD_SIGNED:
    case FM_FIELD_REAL:
        put_range(json, field);
        break;
    case FM_FIELD_BOOL:
        fm_json_put_text(json, "type", "boolean");
        break;
    case FM_FIELD_ENUM:
        fm_json_put_text(json, "type", "string");
        put_names(json, field->names);
        fm_json_put_text(json, "default", field->names[(size_t)field->standard]);
        break;
    case FM_FIELD_LIST:
        put_list(json, field);
        break;
    default:
        fm_json_put_text(json, "type", "string");
        if (field->names != NULL) {
            put_names(json, field->names);
        } else {
            fm_json_put_double(json, "maxLength", field->max);
        }
        break;
    }
    fm_json_close(json, '}');
}

static void put_record(struct fm_json_writer *json, const char *name,
                       const struct fm_record *record)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    for (size_t i = 0; i < record->field_count; i++) {
        fm_openapi_schema_field(json, record->fields[i].name, &record->fields[i]);
    }
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static void put_time_member(struct fm_json_writer *json, const char *name, const char *prose)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "string");
    fm_json_put_text(json, "format", "date-time");
    fm_json_put_text(json, "description", prose);
    fm_json_close(json, '}');
}

void fm_openapi_schema_wait(struct fm_json_writer *json, const char *name)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "integer");
    fm_json_put_integer(json, "minimum", 0);
    fm_json_put_integer(json, "maximum", FM_VALIDATE_WAIT_SECONDS);
    fm_json_close(json, '}');
}

static void put_source_member(struct fm_json_writer *json)
{
    fm_json_open(json, "source", '{');
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    fm_openapi_schema_field(json, "url", fm_pack_field(&fm_record_spec, "url"));
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

/* The body of a POST: the spec but for what the path or the server sets. */
static void put_spec(struct fm_json_writer *json, const char *name, bool is_process)
{
    static const char *const hidden = "type site run_at_ms";
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    if (is_process) {
        put_source_member(json);
    }
    for (size_t i = 0; i < fm_record_spec.field_count; i++) {
        if (strstr(hidden, fm_record_spec.fields[i].name) == NULL) {
            fm_openapi_schema_field(json, fm_record_spec.fields[i].name, &fm_record_spec.fields[i]);
        }
    }
    put_time_member(json, "run_at", "Not before this time, at most 30 days ahead");
    fm_openapi_schema_wait(json, "wait");
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

/* ---- replies ---- */

/* One member of the job object: name, JSON type, nullable. */
struct member {
    const char *name, *type;
    bool may_be_null;
};

static const char *const nothing_more[] = {NULL};

/* `also`: members said before, with schemas of their own, that are always there too. */
static void put_members(struct fm_json_writer *json, const struct member *members, size_t count,
                        const char *const *also)
{
    for (size_t i = 0; i < count; i++) {
        fm_json_open(json, members[i].name, '{');
        put_type(json, members[i].type, members[i].may_be_null);
        fm_json_close(json, '}');
    }
    fm_json_close(json, '}');
    fm_json_open(json, "required", '[');
    for (size_t i = 0; i < count; i++) {
        fm_json_put_text(json, NULL, members[i].name);
    }
    for (size_t i = 0; also[i] != NULL; i++) {
        fm_json_put_text(json, NULL, also[i]);
    }
    fm_json_close(json, ']');
}

static void open_object(struct fm_json_writer *json, const char *name)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "object");
    fm_json_open(json, "properties", '{');
}

static void put_output_schema(struct fm_json_writer *json)
{
    static const struct member members[] = {
        {"name", "string", false},
        {"url", "string", true},
        {"url_expires_at", "string", true},
        {"content_type", "string", true},
        {"size_bytes", "integer", false},
        {"sha256", "string", true},
        {"duration_seconds", "number", true},
        {"video", "object", true},
        {"audio", "object", true},
    };
    open_object(json, "Output");
    put_members(json, members, FM_COUNT(members), nothing_more);
    fm_json_close(json, '}');
}

static void put_job_schema(struct fm_json_writer *json)
{
    static const struct member members[] = {
        {"id", "string", false},
        {"object", "string", false},
        {"type", "string", false},
        {"done", "boolean", false},
        {"created_at", "string", false},
        {"started_at", "string", true},
        {"completed_at", "string", true},
        {"expires_at", "string", true},
        {"input", "object", false},
        {"progress", "object", false},
        {"queue", "object", false},
        {"attempt", "integer", false},
        {"max_attempts", "integer", false},
        {"priority", "string", false},
        {"node", "string", true},
        {"source", "object", true},
        {"error", "object", true},
        {"metadata", "object", false},
        {"batch", "string", true},
        {"retry_of", "string", true},
        {"webhook_url", "string", true},
        {"urls", "object", false},
    };
    static const char *const also[] = {"status", "outputs", NULL};
    static const char *states[FM_STATE_COUNT + 1];
    for (int i = 0; i < FM_STATE_COUNT; i++) {
        states[i] = fm_state_name((enum fm_state)i);
    }
    open_object(json, "Job");
    fm_json_open(json, "status", '{');
    fm_json_put_text(json, "type", "string");
    put_names(json, states);
    fm_json_close(json, '}');
    fm_json_open(json, "outputs", '{');
    fm_json_put_text(json, "type", "array");
    fm_openapi_schema_ref(json, "items", "Output");
    fm_json_close(json, '}');
    put_members(json, members, FM_COUNT(members), also);
    fm_json_close(json, '}');
}

/* A fetch job, or a process job: see fm_validate_job. */
static void put_new_batch_schema(struct fm_json_writer *json)
{
    open_object(json, "NewBatch");
    fm_json_open(json, "jobs", '{');
    fm_json_put_text(json, "type", "array");
    fm_json_put_text(json, "description",
                     "All or none are made. One with a `source` is a process job, any other a "
                     "fetch; `type` and `site` may be named, `wait` may not");
    fm_json_put_integer(json, "minItems", 1);
    fm_json_put_integer(json, "maxItems", 10000);
    fm_json_open(json, "items", '{');
    fm_json_open(json, "anyOf", '[');
    fm_openapi_schema_ref(json, NULL, "Fetch");
    fm_openapi_schema_ref(json, NULL, "Process");
    fm_json_close(json, ']');
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_open(json, "required", '[');
    fm_json_put_text(json, NULL, "jobs");
    fm_json_close(json, ']');
    fm_json_close(json, '}');
}

static void put_batch_schema(struct fm_json_writer *json)
{
    static const struct member members[] = {
        {"id", "string", false},          {"object", "string", false},
        {"done", "boolean", false},       {"created_at", "string", false},
        {"completed_at", "string", true}, {"canceled_at", "string", true},
        {"percent", "number", false},     {"urls", "object", false},
    };
    static const struct member counts[] = {
        {"total", "integer", false},   {"queued", "integer", false},
        {"running", "integer", false}, {"succeeded", "integer", false},
        {"failed", "integer", false},  {"canceled", "integer", false},
    };
    static const char *const states[] = {"running", "succeeded", "failed", "canceled", NULL};
    static const char *const also[] = {"status", "jobs", NULL};
    open_object(json, "Batch");
    fm_json_open(json, "status", '{');
    fm_json_put_text(json, "type", "string");
    put_names(json, states);
    fm_json_close(json, '}');
    open_object(json, "jobs");
    put_members(json, counts, FM_COUNT(counts), nothing_more);
    fm_json_close(json, '}');
    put_members(json, members, FM_COUNT(members), also);
    fm_json_close(json, '}');
}

static void put_error_schema(struct fm_json_writer *json)
{
    static const struct member members[] = {{"code", "string", false},
                                            {"message", "string", false}};
    open_object(json, "Error");
    open_object(json, "error");
    put_members(json, members, FM_COUNT(members), nothing_more);
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_open(json, "required", '[');
    fm_json_put_text(json, NULL, "error");
    fm_json_close(json, ']');
    fm_json_close(json, '}');
}

static void put_list_schema(struct fm_json_writer *json, const char *name, const char *of)
{
    static const struct member members[] = {{"object", "string", false},
                                            {"has_more", "boolean", false},
                                            {"next_cursor", "string", true},
                                            {"next_url", "string", true}};
    static const char *const also[] = {"data", NULL};
    open_object(json, name);
    fm_json_open(json, "data", '{');
    fm_json_put_text(json, "type", "array");
    fm_openapi_schema_ref(json, "items", of);
    fm_json_close(json, '}');
    put_members(json, members, FM_COUNT(members), also);
    fm_json_close(json, '}');
}

static void put_small_schemas(struct fm_json_writer *json)
{
    static const struct member deleted[] = {
        {"id", "string", false}, {"object", "string", false}, {"deleted", "boolean", false}};
    static const struct member me[] = {{"object", "string", false},
                                       {"account", "object", false},
                                       {"key", "object", false},
                                       {"limits", "object", false},
                                       {"jobs", "object", false}};
    static const struct member status[] = {{"status", "string", false}};
    open_object(json, "Deleted");
    put_members(json, deleted, FM_COUNT(deleted), nothing_more);
    fm_json_close(json, '}');
    open_object(json, "Me");
    put_members(json, me, FM_COUNT(me), nothing_more);
    fm_json_close(json, '}');
    open_object(json, "Status");
    put_members(json, status, FM_COUNT(status), nothing_more);
    fm_json_close(json, '}');
}

void fm_openapi_schema_write(struct fm_json_writer *json)
{
    fm_json_open(json, "schemas", '{');
    put_spec(json, "Fetch", false);
    put_spec(json, "Process", true);
    put_job_schema(json);
    put_output_schema(json);
    put_new_batch_schema(json);
    put_batch_schema(json);
    put_list_schema(json, "JobList", "Job");
    put_list_schema(json, "BatchList", "Batch");
    put_small_schemas(json);
    put_error_schema(json);
    fm_json_close(json, '}');
}
