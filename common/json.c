/*
 * Reads JSON. The only file that includes jansson; `struct fm_json` is its json_t under our name.
 */
#include "common/json.h"

#include <jansson.h>
#include <string.h>

#define DEPTH_LIMIT 16

/* jansson's readers take non-const pointers; nothing here writes through the result. */
static json_t *node_of(const struct fm_json *value)
{
    return (json_t *)(uintptr_t)value;
}

static const struct fm_json *value_of(const json_t *node)
{
    return (const struct fm_json *)(const void *)node;
}

struct place {
    int line;
    int column;
};

/* The place where the text nests too deep or has a NUL byte; line 0 if there is none. Checked
 * before parsing, because jansson itself would recurse 2,048 levels deep. */
static struct place find_refused(struct fm_slice bytes)
{
    struct place at = {1, 0};
    int depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < bytes.length; i++) {
        char c = bytes.data[i];
        at.column++;
        if (c == '\n') {
            at = (struct place){at.line + 1, 0};
        } else if (c == '"') {
            in_text = !in_text;
        } else if (in_text && c == '\\') {
            i++;
            at.column++;
        } else if (!in_text && (c == '{' || c == '[')) {
            depth++;
        } else if (!in_text && (c == '}' || c == ']')) {
            depth--;
        }
        if (c == '\0' || depth > DEPTH_LIMIT) {
            return at;
        }
    }
    return (struct place){0, 0};
}

/* The client reads line and column; jansson's own text stays in the log's detail. */
static bool refuse(struct fm_error *err, struct place at, const char *why)
{
    fm_fail_param(err, FM_INVALID_JSON, NULL, "The body is not valid JSON: line %d, column %d",
                  at.line, at.column);
    if (err != NULL) {
        size_t length = strlen(err->detail);
        strncat(err->detail, ": ", sizeof(err->detail) - length - 1);
        strncat(err->detail, why, sizeof(err->detail) - strlen(err->detail) - 1);
    }
    return false;
}

/* Skips the byte order mark that some editors write; a parser may ignore it (RFC 8259 §8.1). */
static struct fm_slice skip_mark(struct fm_slice bytes)
{
    bool has = bytes.length >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0;
    return has ? (struct fm_slice){bytes.data + 3, bytes.length - 3} : bytes;
}

bool fm_json_parse(struct fm_slice bytes, struct fm_json **root, struct fm_error *err)
{
    bytes = skip_mark(bytes);
    struct place refused = find_refused(bytes);
    *root = NULL;
    if (refused.line > 0) {
        return refuse(err, refused, "it has a NUL byte or more than 16 levels");
    }
    json_error_t error = {0};
    json_t *node = json_loadb(bytes.length > 0 ? bytes.data : "", bytes.length,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (node == NULL) {
        return refuse(err, (struct place){error.line, error.column}, error.text);
    }
    *root = (struct fm_json *)(void *)node;
    return true;
}

void fm_json_destroy(struct fm_json **root)
{
    if (*root != NULL) {
        json_decref(node_of(*root));
    }
    *root = NULL;
}

enum fm_json_kind fm_json_kind(const struct fm_json *value)
{
    static const enum fm_json_kind kinds[] = {
        [JSON_OBJECT] = FM_JSON_OBJECT, [JSON_ARRAY] = FM_JSON_ARRAY,
        [JSON_STRING] = FM_JSON_TEXT,   [JSON_INTEGER] = FM_JSON_INTEGER,
        [JSON_REAL] = FM_JSON_REAL,     [JSON_TRUE] = FM_JSON_BOOL,
        [JSON_FALSE] = FM_JSON_BOOL,    [JSON_NULL] = FM_JSON_NULL,
    };
    return value == NULL ? FM_JSON_NULL : kinds[json_typeof(node_of(value))];
}

const struct fm_json *fm_json_get(const struct fm_json *object, const char *name)
{
    return value_of(json_object_get(node_of(object), name));
}

size_t fm_json_count(const struct fm_json *array_or_object)
{
    const json_t *node = node_of(array_or_object);
    return json_is_array(node) ? json_array_size(node) : json_object_size(node);
}

const struct fm_json *fm_json_at(const struct fm_json *array, size_t index)
{
    return value_of(json_array_get(node_of(array), index));
}

void *fm_json_first(const struct fm_json *object)
{
    return json_object_iter(node_of(object));
}

void *fm_json_next(const struct fm_json *object, void *iterator)
{
    return json_object_iter_next(node_of(object), iterator);
}

const char *fm_json_name(void *iterator)
{
    return json_object_iter_key(iterator);
}

const struct fm_json *fm_json_value(void *iterator)
{
    return value_of(json_object_iter_value(iterator));
}

const char *fm_json_text(const struct fm_json *value)
{
    const char *text = json_string_value(node_of(value));
    return text != NULL ? text : "";
}

int64_t fm_json_integer(const struct fm_json *value)
{
    return json_integer_value(node_of(value));
}

double fm_json_double(const struct fm_json *value)
{
    return json_number_value(node_of(value));
}

bool fm_json_bool(const struct fm_json *value)
{
    return json_is_true(node_of(value));
}
