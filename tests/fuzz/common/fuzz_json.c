/* Any bytes as JSON: what is read can be walked, and written again as JSON. */
#include <stdlib.h>

#include "common/json.h"
#include "common/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy(struct fm_json_writer *to, const char *name, const struct fm_json *value);

static void copy_members(struct fm_json_writer *to, const struct fm_json *object)
{
    for (void *i = fm_json_first(object); i != NULL; i = fm_json_next(object, i)) {
        copy(to, fm_json_name(i), fm_json_value(i));
    }
}

static void copy_items(struct fm_json_writer *to, const struct fm_json *array)
{
    for (size_t i = 0; i < fm_json_count(array); i++) {
        copy(to, NULL, fm_json_at(array, i));
    }
}

static void copy_nested(struct fm_json_writer *to, const char *name, const struct fm_json *value)
{
    bool is_object = fm_json_kind(value) == FM_JSON_OBJECT;
    fm_json_open(to, name, is_object ? '{' : '[');
    (is_object ? copy_members : copy_items)(to, value);
    fm_json_close(to, is_object ? '}' : ']');
}

static void copy(struct fm_json_writer *to, const char *name, const struct fm_json *value)
{
    switch (fm_json_kind(value)) {
    case FM_JSON_OBJECT:
    case FM_JSON_ARRAY:
        copy_nested(to, name, value);
        break;
    case FM_JSON_TEXT:
        fm_json_put_text(to, name, fm_json_text(value));
        break;
    case FM_JSON_INTEGER:
        fm_json_put_integer(to, name, fm_json_integer(value));
        break;
    case FM_JSON_REAL:
        fm_json_put_double(to, name, fm_json_double(value));
        break;
    case FM_JSON_BOOL:
        fm_json_put_bool(to, name, fm_json_bool(value));
        break;
    default:
        fm_json_put_null(to, name);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    struct fm_json_writer writer = {.out = &out};
    struct fm_json *root = NULL, *again = NULL;
    struct fm_error err = {0};
    if (!fm_json_parse((struct fm_slice){(const char *)data, size}, &root, &err)) {
        return 0;
    }
    copy(&writer, NULL, root);
    if (!fm_json_parse((struct fm_slice){out.data, out.length}, &again, &err)) {
        abort();
    }
    fm_json_destroy(&again);
    fm_json_destroy(&root);
    return 0;
}
