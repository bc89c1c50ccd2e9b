/* Any bytes as a packed spec. What is read must be safe to ask about, and come back the same. */
#include <stdlib.h>
#include <string.h>

#include "proto/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fm_slice slice_of(const struct fm_text *text)
{
    return (struct fm_slice){text->data, text->length};
}

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void go_round(const struct fm_spec *spec)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text first = {0};
    FM_AUTO(fm_text_done) struct fm_text second = {0};
    struct fm_spec again;
    struct fm_error err;
    if (!fm_spec_write(spec, &first, &err)) {
        return; /* A real may have come in fewer bytes than we write. */
    }
    require(fm_spec_read(slice_of(&first), &arena, &again, &err));
    require(fm_spec_write(&again, &second, &err));
    require(first.length == second.length);
    require(memcmp(first.data, second.data, first.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_spec spec;
    struct fm_error err;
    struct fm_slice bytes = {(const char *)data, size};
    if (!fm_spec_read(bytes, &arena, &spec, &err)) {
        require(err.code == FM_PROTOCOL);
        return 0;
    }
    require(spec.outputs.count == 0 || fm_spec_output_at(&spec, 0)->name != NULL);
    require(!fm_spec_is_copy(&spec) || fm_spec_class(&spec) == FM_CLASS_NET);
    go_round(&spec);
    return 0;
}
