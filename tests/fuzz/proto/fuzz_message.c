/*
 * Any bytes as a frame. The first byte picks the sender. What decodes must encode, and what was
 * encoded must decode to the same bytes again.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

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

static void go_round(const struct fm_message *message, unsigned sender)
{
    FM_AUTO(fm_text_done) struct fm_text first = {0};
    FM_AUTO(fm_text_done) struct fm_text second = {0};
    struct fm_message again;
    struct fm_error err;
    /* A real may have come in fewer bytes than we write. */
    if (!fm_message_encode(message, &first, &err)) {
        return;
    }
    require(fm_message_decode(slice_of(&first), sender, &again, &err));
    require(fm_message_encode(&again, &second, &err));
    fm_message_done(&again);
    require(first.length == second.length);
    require(memcmp(first.data, second.data, first.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fm_message message;
    struct fm_error err;
    if (size == 0) {
        return 0;
    }
    unsigned sender = 1U << (data[0] & 3);
    struct fm_slice frame = {(const char *)data + 1, size - 1};
    if (fm_message_decode(frame, sender, &message, &err)) {
        go_round(&message, sender);
        fm_message_done(&message);
    } else {
        require(err.code == FM_PROTOCOL);
    }
    return 0;
}
