/*
 * Any bytes as UTF-8, under every policy on control characters: measured with nothing behind their
 * end, cleaned, and held against jansson's own reading of UTF-8.
 */
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/memory.h"
#include "common/utf8.h"

#define POLICIES 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

/* What the walk says of the bytes as they come: no NUL ends them. */
static void walk(struct fm_slice bytes, unsigned controls)
{
    size_t at = 0, length = 0;
    do {
        length = fm_utf8_measure(bytes.data + at, bytes.length - at, controls);
        require(length <= 4 && length <= bytes.length - at);
        at += length;
    } while (length > 0);
    require((at == bytes.length) == fm_utf8_is_valid(bytes, controls));
}

static void clean(const char *text, unsigned controls)
{
    FM_AUTO_FREE char *cleaned = fm_strdup(text);
    fm_utf8_clean(cleaned, controls);
    require(strlen(cleaned) == strlen(text));
    require(fm_utf8_is_valid(fm_slice_of(cleaned), controls));
    require((strcmp(cleaned, text) == 0) == fm_utf8_is_valid(fm_slice_of(text), controls));
}

/* The JSON writer repairs what is not UTF-8, so what jansson reads back is the text itself if and
 * only if that was valid. */
static void compare(const char *text)
{
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *value = NULL;
    struct fm_json_writer writer = {.out = &out};
    struct fm_error err = {0};
    fm_json_open(&writer, NULL, '[');
    fm_json_put_text(&writer, NULL, text);
    fm_json_close(&writer, ']');
    require(fm_json_parse((struct fm_slice){out.data, out.length}, &value, &err));
    require((strcmp(fm_json_text(fm_json_at(value, 0)), text) == 0) ==
            fm_utf8_is_valid(fm_slice_of(text), FM_UTF8_ALL_CONTROLS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO_FREE char *text = fm_strndup((const char *)data, size);
    for (unsigned controls = 0; controls < POLICIES; controls++) {
        walk((struct fm_slice){(const char *)data, size}, controls);
        clean(text, controls);
    }
    compare(text);
    fm_utf8_clean_ascii(text);
    require(fm_utf8_is_valid(fm_slice_of(text), FM_UTF8_NO_CONTROLS));
    return 0;
}
