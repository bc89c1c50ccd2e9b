/* Writes the schemas of requests: see openapi_schema.h. */
#include "broker/api/openapi_schema.h"

#include <stdio.h>
#include <string.h>

#include "broker/api/batch_lines.h"
#include "broker/spec/fields.h"
#include "broker/spec/validate.h"

/* ---- small parts ---- */

void fm_openapi_schema_ref(struct fm_json_writer *json, const char *name, const char *component)
{
    char ref[96];
    snprintf(ref, sizeof(ref), "#/components/schemas/%s", component);
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "$ref", ref);
    fm_json_close(json, '}');
}

void fm_openapi_schema_names(struct fm_json_writer *json, const char *const *names, bool or_null)
{
    fm_json_open(json, "enum", '[');
    for (; *names != NULL; names++) {
        if (**names != '\0') {
            fm_json_put_text(json, NULL, *names);
        }
    }
    if (or_null) {
        fm_json_put_null(json, NULL);
    }
    fm_json_close(json, ']');
}

void fm_openapi_schema_example(struct fm_json_writer *json, const char *example, bool is_text)
{
    if (example == NULL) {
        return;
    }
    fm_json_open(json, "examples", '[');
    if (is_text) {
        fm_json_put_text(json, NULL, example);
    } else {
        fm_json_put_raw(json, NULL, fm_slice_of(example));
    }
    fm_json_close(json, ']');
}

/* ---- a field of a record ---- */

static void put_bounds(struct fm_json_writer *json, const struct fm_field *field)
{
    fm_json_put_double(json, "minimum", field->min);
    if (field->max >= 0) {
        fm_json_put_double(json, "maximum", field->max);
    }
}

/* For a field that takes 0 as "no preference", and whose least value is more than 0. */
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

static void put_number(struct fm_json_writer *json, const struct fm_field *field)
{
    fm_json_put_text(json, "type", field->kind == FM_FIELD_REAL ? "number" : "integer");
    if (fm_fields_takes_zero(field)) {
        put_zero_or(json, field);
    } else {
        put_bounds(json, field);
    }
    fm_json_put_double(json, "default", field->standard);
}

/* By convention a name that ends in _at is a time everywhere in this API. */
static bool is_time(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && strcmp(name + length - 3, "_at") == 0;
}

static void put_text(struct fm_json_writer *json, const struct fm_field *field)
{
    fm_json_put_text(json, "type", "string");
    if (is_time(field->name)) {
        fm_json_put_text(json, "format", "date-time");
    } else if (field->names != NULL) {
        fm_openapi_schema_names(json, field->names, false);
    } else {
        fm_json_put_double(json, "maxLength", field->max);
    }
}

static void put_properties(struct fm_json_writer *json, const struct fm_record *record)
{
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    for (size_t i = 0; i < record->field_count; i++) {
        fm_openapi_schema_field(json, record->fields[i].name, &record->fields[i]);
    }
    fm_json_close(json, '}');
}

bool fm_openapi_schema_is_pairs(const struct fm_field *field)
{
    return field->kind == FM_FIELD_LIST && field->record->field_count == 2 &&
           strcmp(field->record->fields[1].name, "value") == 0;
}

static void put_list(struct fm_json_writer *json, const struct fm_field *field)
{
    if (fm_openapi_schema_is_pairs(field)) {
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
    fm_json_open(json, "items", '{');
    put_properties(json, field->record);
    fm_json_close(json, '}');
}

void fm_openapi_schema_field(struct fm_json_writer *json, const char *name,
                             const struct fm_field *field)
{
    bool is_text = field->kind == FM_FIELD_TEXT || field->kind == FM_FIELD_ENUM;
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "description", field->prose);
    switch (field->kind) {
    case FM_FIELD_NUMBER:
    case FM_FIELD_SIGNED:
    case FM_FIELD_REAL:
        put_number(json, field);
        break;
    case FM_FIELD_BOOL:
        fm_json_put_text(json, "type", "boolean");
        fm_json_put_bool(json, "default", field->standard != 0);
        break;
    case FM_FIELD_ENUM:
        fm_json_put_text(json, "type", "string");
        fm_openapi_schema_names(json, field->names, false);
        fm_json_put_text(json, "default", field->names[(size_t)field->standard]);
        break;
    case FM_FIELD_RECORD:
        put_properties(json, field->record);
        break;
    case FM_FIELD_LIST:
        put_list(json, field);
        break;
    default:
        put_text(json, field);
        break;
    }
    fm_openapi_schema_example(json, field->example, is_text);
    fm_json_close(json, '}');
}

/* ---- bodies ---- */

static void put_extra(struct fm_json_writer *json, const char *name)
{
    fm_openapi_schema_field(json, name, fm_pack_field(&fm_record_spec_extra, name));
}

/* The spec's fields without those that the path or the server sets, and the members of extra.def.
 */
static void put_spec(struct fm_json_writer *json, bool is_process)
{
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    if (is_process) {
        put_extra(json, "source");
    }
    for (size_t i = 0; i < fm_record_spec.field_count; i++) {
        const char *name = fm_record_spec.fields[i].name;
        if (fm_validate_field(name) != NULL) {
            fm_openapi_schema_field(json, name, &fm_record_spec.fields[i]);
        }
    }
    put_extra(json, "run_at");
    put_extra(json, "wait");
    fm_json_close(json, '}');
}

static void put_fetch(struct fm_json_writer *json)
{
    put_spec(json, false);
}

static void put_process(struct fm_json_writer *json)
{
    put_spec(json, true);
}

/* Each job of a batch is a fetch job or a process job: see fm_validate_job. */
static void put_new_batch(struct fm_json_writer *json)
{
    fm_json_put_text(json, "type", "object");
    fm_json_open(json, "properties", '{');
    fm_json_open(json, "jobs", '{');
    fm_json_put_text(json, "type", "array");
    fm_json_put_text(json, "description",
                     "All are made or none is. A job with a `source` is a process job, any other a "
                     "fetch; `type` and `site` may be given, `wait` may not");
    fm_json_put_integer(json, "minItems", 1);
    fm_json_put_integer(json, "maxItems", FM_BATCH_LINES_JSON_JOBS);
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
}

static const struct {
    const char *name, *prose;
    void (*put)(struct fm_json_writer *json);
    const char *example;
} bodies[] = {
    {"Fetch", "What is to be fetched", put_fetch,
     "{\"url\":\"https://www.tiktok.com/@user/video/123\"}"},
    {"Process", "What is to be made out of what", put_process,
     "{\"source\":{\"url\":\"https://example.org/video.mp4\"},\"outputs\":["
     "{\"name\":\"reel\",\"format\":\"mp4\",\"video\":{\"codec\":\"h264\",\"crf\":21,\"width\":"
     "1080,"
     "\"height\":1920,\"fit\":\"cover\"},\"trim\":{\"start_seconds\":3.2,\"end_seconds\":18}},"
     "{\"name\":\"sound\",\"format\":\"mp3\"},"
     "{\"name\":\"cover\",\"format\":\"jpg\",\"at_seconds\":4}]}"},
    {"NewBatch", "Many jobs", put_new_batch,
     "{\"jobs\":[{\"url\":\"https://www.tiktok.com/@user/video/123\"},"
     "{\"source\":{\"url\":\"https://example.org/"
     "video.mp4\"},\"outputs\":[{\"format\":\"mp3\"}]}]}"},
};

void fm_openapi_schema_bodies(struct fm_json_writer *json)
{
    for (size_t i = 0; i < FM_COUNT(bodies); i++) {
        fm_json_open(json, bodies[i].name, '{');
        fm_json_put_text(json, "description", bodies[i].prose);
        bodies[i].put(json);
        fm_openapi_schema_example(json, bodies[i].example, false);
        fm_json_close(json, '}');
    }
}
