/* Writes a reply's struct as a JSON object, row by row: see reply_record.h. */
#include "broker/request/reply_record.h"

#include "common/json.h"
#include "common/memory.h"
#include "proto/spec.h"

static void write_object(struct fm_json_writer *json, const char *name,
                         const struct fm_reply_record *record, const void *reply);

/* ---- members; `at` is the member's address in the struct ---- */

static const char *text_at(const void *at)
{
    return *(const char *const *)at;
}

static int64_t integer_at(const void *at)
{
    return *(const int64_t *)at;
}

static bool is_known(const struct fm_reply_field *field, const void *at)
{
    switch (field->kind) {
    case FM_REPLY_KIND_ID:
        return !fm_id_is_zero(at);
    case FM_REPLY_KIND_TEXT:
    case FM_REPLY_KIND_NAME:
    case FM_REPLY_KIND_OBJECT:
        return *(const void *const *)at != NULL;
    case FM_REPLY_KIND_TIME:
        return integer_at(at) != 0;
    case FM_REPLY_KIND_INTEGER:
        return integer_at(at) != FM_REPLY_UNKNOWN;
    case FM_REPLY_KIND_REAL:
        return isfinite(*(const double *)at);
    default:
        return true;
    }
}

static void write_id(struct fm_json_writer *json, const struct fm_reply_field *field,
                     const struct fm_id *id)
{
    char text[FM_ID_TEXT_SIZE];
    fm_id_format(field->id, id, text);
    fm_json_put_text(json, field->name, text);
}

static void write_list(struct fm_json_writer *json, const struct fm_reply_field *field,
                       const struct fm_list *list)
{
    const char *items = list->items;
    fm_json_open(json, field->name, '[');
    for (size_t i = 0; i < list->count; i++) {
        write_object(json, NULL, field->record, items + i * field->record->size);
    }
    fm_json_close(json, ']');
}

static void write_texts(struct fm_json_writer *json, const char *name, const char *const *texts)
{
    fm_json_open(json, name, '[');
    for (; texts != NULL && *texts != NULL; texts++) {
        fm_json_put_text(json, NULL, *texts);
    }
    fm_json_close(json, ']');
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void write_pairs(struct fm_json_writer *json, const char *name, const struct fm_list *list)
{
    const struct fm_spec_pair *pairs = list->items;
    fm_json_open(json, name, '{');
    for (size_t i = 0; i < list->count; i++) {
        fm_json_put_text(json, or_empty(pairs[i].name), or_empty(pairs[i].value));
    }
    fm_json_close(json, '}');
}

/* ---- one member, and the whole object ---- */

static void write_known(struct fm_json_writer *json, const struct fm_reply_field *field,
                        const void *at)
{
    switch (field->kind) {
    case FM_REPLY_KIND_CONST:
        fm_json_put_text(json, field->name, field->example);
        break;
    case FM_REPLY_KIND_ID:
        write_id(json, field, at);
        break;
    case FM_REPLY_KIND_TEXT:
    case FM_REPLY_KIND_NAME:
        fm_json_put_text(json, field->name, text_at(at));
        break;
    case FM_REPLY_KIND_TIME:
        fm_json_put_time(json, field->name, integer_at(at));
        break;
    case FM_REPLY_KIND_INTEGER:
        fm_json_put_integer(json, field->name, integer_at(at));
        break;
    case FM_REPLY_KIND_REAL:
        fm_json_put_double(json, field->name, *(const double *)at);
        break;
    case FM_REPLY_KIND_BOOL:
        fm_json_put_bool(json, field->name, *(const bool *)at);
        break;
    case FM_REPLY_KIND_OBJECT:
        write_object(json, field->name, field->record, *(const void *const *)at);
        break;
    case FM_REPLY_KIND_LIST:
        write_list(json, field, at);
        break;
    case FM_REPLY_KIND_TEXTS:
        write_texts(json, field->name, *(const char *const *const *)at);
        break;
    case FM_REPLY_KIND_PAIRS:
        write_pairs(json, field->name, at);
        break;
    case FM_REPLY_KIND_ROWS:
        fm_json_put_raw(json, field->name, *(const struct fm_slice *)at);
        break;
    }
}

static void write_object(struct fm_json_writer *json, const char *name,
                         const struct fm_reply_record *record, const void *reply)
{
    fm_json_open(json, name, '{');
    for (size_t i = 0; i < record->field_count; i++) {
        const struct fm_reply_field *field = &record->fields[i];
        const void *at = (const char *)reply + field->offset;
        if (is_known(field, at)) {
            write_known(json, field, at);
        } else if (field->presence != FM_REPLY_OR_ABSENT) {
            fm_json_put_null(json, field->name);
        }
    }
    fm_json_close(json, '}');
}

void fm_reply_record_write(const struct fm_reply_record *record, const void *reply,
                           struct fm_text *out)
{
    struct fm_json_writer json = {.out = out};
    write_object(&json, NULL, record, reply);
}
