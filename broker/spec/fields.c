/*
 * Sets a field with one small function for each kind of field: see fields.h. JSON values and texts
 * pass the same checks; a JSON text for a field of another kind is converted like a query's value.
 */
#include "broker/spec/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/utf8.h"
#include "proto/formats.h"

#define EXACT_LIMIT 9007199254740992.0 /* 2^53: a double holds every whole number up to it */
#define NAMES_LIMIT 32                 /* members that a "Did you mean" chooses from */

/* One field that is being set. */
struct setting {
    const struct fm_field *field;
    const char *path;
    struct fm_arena *arena;
    void *out; /* the field itself */
};

static bool wrong(const struct setting *it, struct fm_error *err, const char *what)
{
    return fm_fail_param(err, FM_INVALID_PARAMETER, it->path, "%s must be %s", it->path, what);
}

bool fm_fields_takes_zero(const struct fm_field *field)
{
    return field->kind == FM_FIELD_NUMBER && field->standard <= 0 && field->min > 0;
}

static bool wrong_number(const struct setting *it, struct fm_error *err)
{
    char range[96];
    const char *kind = it->field->kind == FM_FIELD_REAL ? "a number" : "a whole number";
    if (it->field->max < 0) {
        snprintf(range, sizeof(range), "%s", kind);
    } else {
        snprintf(range, sizeof(range), "%s from %.15g to %.15g%s", kind, it->field->min,
                 it->field->max, fm_fields_takes_zero(it->field) ? ", or 0" : "");
    }
    return wrong(it, err, range);
}

/* A NUMBER with max below 0 has no bounds of its own. */
static bool set_number(const struct setting *it, double value, struct fm_error *err)
{
    const struct fm_field *field = it->field;
    bool is_any = field->kind == FM_FIELD_NUMBER && field->max < 0;
    double max = is_any ? EXACT_LIMIT : field->max;
    double min = is_any ? 0 : field->min;
    bool is_whole = field->kind == FM_FIELD_REAL || value == floor(value);
    bool is_no_wish = fm_fields_takes_zero(field) && value == 0;
    if (!isfinite(value) || !is_whole || (!is_no_wish && value < min) || value > max) {
        return wrong_number(it, err);
    }
    if (field->kind == FM_FIELD_REAL) {
        memcpy(it->out, &value, sizeof(value));
    } else if (field->kind == FM_FIELD_SIGNED) {
        memcpy(it->out, &(int64_t){(int64_t)value}, sizeof(int64_t));
    } else {
        memcpy(it->out, &(uint64_t){(uint64_t)value}, sizeof(uint64_t));
    }
    return true;
}

static bool set_bool(const struct setting *it, const char *value, struct fm_error *err)
{
    static const char *const yes[] = {"true", "1", "yes", "on"};
    static const char *const no[] = {"false", "0", "no", "off"};
    for (size_t i = 0; i < FM_COUNT(yes); i++) {
        bool is_yes = strcasecmp(value, yes[i]) == 0;
        if (is_yes || strcasecmp(value, no[i]) == 0) {
            memcpy(it->out, &is_yes, sizeof(is_yes));
            return true;
        }
    }
    return wrong(it, err, "true or false");
}

static bool wrong_name(const struct setting *it, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text names = {0};
    for (size_t i = 0; it->field->names[i] != NULL; i++) {
        fm_text_format(&names, "%s%s", i > 0 ? ", " : "", it->field->names[i]);
    }
    if (it->field->names == fm_names_format) {
        return fm_fail_param(err, FM_UNSUPPORTED_FORMAT, it->path,
                             "Unknown format. The formats are: %s", fm_text_get(&names));
    }
    return fm_fail_param(err, FM_INVALID_PARAMETER, it->path, "%s must be one of %s", it->path,
                         fm_text_get(&names));
}

/* The name in the field's list, in any case of the value; NULL with an error if it is not there. */
static const char *const *find_name(const struct setting *it, const char *value,
                                    struct fm_error *err)
{
    for (const char *const *name = it->field->names; *name != NULL; name++) {
        if (strcasecmp(value, *name) == 0) {
            return name;
        }
    }
    wrong_name(it, err);
    return NULL;
}

static bool set_enum(const struct setting *it, const char *value, struct fm_error *err)
{
    const char *const *name = find_name(it, value, err);
    if (name == NULL) {
        return false;
    }
    uint64_t number = (uint64_t)(name - it->field->names);
    memcpy(it->out, &number, sizeof(number));
    return true;
}

/* A text that must be one of a list of names; the list's own static text is kept. */
static bool set_word(const struct setting *it, const char *value, struct fm_error *err)
{
    const char *const *name = find_name(it, value, err);
    if (name == NULL) {
        return false;
    }
    memcpy(it->out, name, sizeof(*name));
    return true;
}

static bool set_text(const struct setting *it, const char *value, struct fm_error *err)
{
    struct fm_slice text = fm_slice_of(value);
    bool is_url = strcmp(it->field->name, "url") == 0; /* fm_url_parse checks it, in check.c */
    if (!is_url && ((double)text.length > it->field->max || !fm_utf8_is_valid(text, FM_UTF8_C1))) {
        char what[96];
        snprintf(what, sizeof(what), "text of at most %.0f bytes without control characters",
                 it->field->max);
        return wrong(it, err, what);
    }
    const char *copy = fm_arena_strndup(it->arena, value, text.length);
    memcpy(it->out, &copy, sizeof(copy));
    return true;
}

/* ---- records and lists ---- */

static bool set_value(const struct setting *it, const struct fm_json *value, struct fm_error *err);

static void join_path(char out[FM_FIELDS_PATH], const char *path, const char *name)
{
    snprintf(out, FM_FIELDS_PATH, "%s%s%s", path, *path != '\0' ? "." : "", name);
}

static bool unknown_member(const struct fm_record *record, const char *path, const char *name,
                           struct fm_error *err)
{
    const char *names[NAMES_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < record->field_count && count < NAMES_LIMIT; i++) {
        names[count++] = record->fields[i].name;
    }
    return fm_fields_unknown(path, name, names, count, err);
}

static bool fill_record(const struct fm_record *record, const struct fm_json *value,
                        const struct setting *it, void *out, struct fm_error *err)
{
    fm_pack_defaults(record, out);
    if (fm_json_kind(value) != FM_JSON_OBJECT) {
        return wrong(it, err, "an object");
    }
    for (void *i = fm_json_first(value); i != NULL; i = fm_json_next(value, i)) {
        char path[FM_FIELDS_PATH];
        const char *name = fm_json_name(i);
        const struct fm_field *field = fm_pack_field(record, name);
        join_path(path, it->path, name);
        if (field == NULL) {
            return unknown_member(record, path, name, err);
        }
        if (!fm_fields_set_json(field, fm_json_value(i), path, it->arena, out, err)) {
            return false;
        }
    }
    return true;
}

static bool set_record(const struct setting *it, const struct fm_json *value, struct fm_error *err)
{
    void *made = fm_arena_alloc(it->arena, it->field->record->size);
    if (!fill_record(it->field->record, value, it, made, err)) {
        return false;
    }
    memcpy(it->out, &made, sizeof(made));
    return true;
}

/* True if the list's record is a name and a value: such a list may be given as an object,
 * {"name": "value", …}. */
static bool is_pairs(const struct fm_record *record)
{
    return record->field_count == 2 && strcmp(record->fields[0].name, "name") == 0 &&
           strcmp(record->fields[1].name, "value") == 0;
}

static bool fill_pairs(const struct setting *it, const struct fm_json *value, char *items,
                       struct fm_error *err)
{
    const struct fm_record *record = it->field->record;
    for (void *i = fm_json_first(value); i != NULL; i = fm_json_next(value, i)) {
        char path[FM_FIELDS_PATH];
        join_path(path, it->path, fm_json_name(i));
        fm_pack_defaults(record, items);
        if (!fm_fields_set_text(&record->fields[0], fm_json_name(i), path, it->arena, items, err) ||
            !fm_fields_set_json(&record->fields[1], fm_json_value(i), path, it->arena, items,
                                err)) {
            return false;
        }
        items += record->size;
    }
    return true;
}

static bool fill_items(const struct setting *it, const struct fm_json *value, char *items,
                       struct fm_error *err)
{
    const struct fm_record *record = it->field->record;
    for (size_t i = 0; i < fm_json_count(value); i++) {
        char path[FM_FIELDS_PATH];
        snprintf(path, sizeof(path), "%s[%zu]", it->path, i);
        struct setting item = *it;
        item.path = path;
        if (!fill_record(record, fm_json_at(value, i), &item, items + i * record->size, err)) {
            return false;
        }
    }
    return true;
}

/* The field's limit is checked before the list is allocated: a client must not size our memory. */
static bool set_list(const struct setting *it, const struct fm_json *value, struct fm_error *err)
{
    bool is_object = fm_json_kind(value) == FM_JSON_OBJECT && is_pairs(it->field->record);
    if (!is_object && fm_json_kind(value) != FM_JSON_ARRAY) {
        return wrong(it, err, is_pairs(it->field->record) ? "an object of texts" : "a list");
    }
    size_t count = fm_json_count(value);
    if ((double)count > it->field->max) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, it->path, "%s has at most %.0f entries",
                             it->path, it->field->max);
    }
    struct fm_list list = {fm_arena_alloc(it->arena, count * it->field->record->size), count};
    if (!(is_object ? fill_pairs : fill_items)(it, value, list.items, err)) {
        return false;
    }
    memcpy(it->out, &list, sizeof(list));
    return true;
}

/* ---- from text, and from JSON ---- */

/* Records and lists come as JSON text; that text must not be a JSON text again. */
static bool set_string(const struct setting *it, const char *value, struct fm_error *err)
{
    double number = 0;
    switch (it->field->kind) {
    case FM_FIELD_NUMBER:
    case FM_FIELD_SIGNED:
    case FM_FIELD_REAL:
        return fm_text_to_double(value, &number) ? set_number(it, number, err)
                                                 : wrong_number(it, err);
    case FM_FIELD_BOOL:
        return set_bool(it, value, err);
    case FM_FIELD_ENUM:
        return set_enum(it, value, err);
    case FM_FIELD_TEXT:
        return (it->field->names != NULL ? set_word : set_text)(it, value, err);
    default:
        break;
    }
    struct fm_json *parsed = NULL;
    if (!fm_json_parse(fm_slice_of(value), &parsed, err)) {
        return wrong(it, err, "JSON");
    }
    bool ok = fm_json_kind(parsed) != FM_JSON_TEXT ? set_value(it, parsed, err)
                                                   : wrong(it, err, "an object or a list");
    fm_json_destroy(&parsed);
    return ok;
}

static bool is_numeric(enum fm_field_kind kind)
{
    return kind == FM_FIELD_NUMBER || kind == FM_FIELD_SIGNED || kind == FM_FIELD_REAL;
}

static bool wrong_kind(const struct setting *it, struct fm_error *err)
{
    if (is_numeric(it->field->kind)) {
        return wrong_number(it, err);
    }
    if (it->field->kind == FM_FIELD_ENUM) {
        return wrong_name(it, err);
    }
    return wrong(it, err, it->field->kind == FM_FIELD_BOOL ? "true or false" : "text");
}

static bool set_value(const struct setting *it, const struct fm_json *value, struct fm_error *err)
{
    enum fm_json_kind kind = fm_json_kind(value);
    if (kind == FM_JSON_TEXT) {
        return set_string(it, fm_json_text(value), err);
    }
    if (it->field->kind == FM_FIELD_RECORD) {
        return set_record(it, value, err);
    }
    if (it->field->kind == FM_FIELD_LIST) {
        return set_list(it, value, err);
    }
    if ((kind == FM_JSON_INTEGER || kind == FM_JSON_REAL) && is_numeric(it->field->kind)) {
        return set_number(it, fm_json_double(value), err);
    }
    if (kind == FM_JSON_BOOL && it->field->kind == FM_FIELD_BOOL) {
        memcpy(it->out, &(bool){fm_json_bool(value)}, sizeof(bool));
        return true;
    }
    return wrong_kind(it, err);
}

static struct setting setting_of(const struct fm_field *field, const char *path,
                                 struct fm_arena *arena, void *out)
{
    return (struct setting){field, path, arena, (char *)out + field->offset};
}

bool fm_fields_set_json(const struct fm_field *field, const struct fm_json *value, const char *path,
                        struct fm_arena *arena, void *out, struct fm_error *err)
{
    struct setting it = setting_of(field, path, arena, out);
    /* null counts as absent, because many clients send every member they know. */
    return fm_json_kind(value) == FM_JSON_NULL || set_value(&it, value, err);
}

bool fm_fields_set_text(const struct fm_field *field, const char *value, const char *path,
                        struct fm_arena *arena, void *out, struct fm_error *err)
{
    struct setting it = setting_of(field, path, arena, out);
    return set_string(&it, value, err);
}

bool fm_fields_unknown(const char *path, const char *name, const char *const *names, size_t count,
                       struct fm_error *err)
{
    const char *nearest = fm_text_nearest(name, names, count);
    return nearest != NULL
               ? fm_fail_param(err, FM_UNKNOWN_PARAMETER, path,
                               "Unknown parameter %.64s. Did you mean %s?", path, nearest)
               : fm_fail_param(err, FM_UNKNOWN_PARAMETER, path, "Unknown parameter %.64s", path);
}

size_t fm_fields_size(const struct fm_field *field)
{
    static const size_t sizes[] = {
        [FM_FIELD_NUMBER] = sizeof(uint64_t),       [FM_FIELD_SIGNED] = sizeof(int64_t),
        [FM_FIELD_REAL] = sizeof(double),           [FM_FIELD_BOOL] = sizeof(bool),
        [FM_FIELD_ENUM] = sizeof(uint64_t),         [FM_FIELD_TEXT] = sizeof(const char *),
        [FM_FIELD_BYTES] = sizeof(struct fm_slice), [FM_FIELD_RECORD] = sizeof(void *),
        [FM_FIELD_LIST] = sizeof(struct fm_list),
    };
    return sizes[field->kind];
}

bool fm_fields_equal(const struct fm_field *field, const void *a, const void *b)
{
    const char *left = (const char *)a + field->offset, *right = (const char *)b + field->offset;
    if (field->kind != FM_FIELD_TEXT) {
        return memcmp(left, right, fm_fields_size(field)) == 0;
    }
    const char *left_text = NULL, *right_text = NULL;
    memcpy(&left_text, left, sizeof(left_text));
    memcpy(&right_text, right, sizeof(right_text));
    return strcmp(left_text, right_text) == 0;
}
