/*
 * Any bytes as a source, then as an output. Whatever opens has facts a message can carry; whatever
 * does not is refused with an error a job may have.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "common/file.h"
#include "worker/media/input.h"
#include "worker/media/probe.h"
#include "worker/media/verify.h"

#define MAX_SECONDS 3600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void require_sendable(const struct fm_source_facts *facts)
{
    struct fm_message message, again;
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_error err;
    fm_message_init(&message, FM_MESSAGE_END);
    message.end.source = facts;
    require(fm_message_encode(&message, &frame, &err));
    struct fm_slice bytes = {frame.data, frame.length};
    require(fm_message_decode(bytes, FM_FROM_MEDIA, &again, &err));
    fm_message_done(&again);
    fm_message_done(&message);
}

static void open_source(int fd, size_t size)
{
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_source_facts facts;
    struct fm_error err = {0};
    if (fm_input_open(fd, (int64_t)size, MAX_SECONDS, &input, &err) &&
        fm_probe_source(fm_input_format(input), &arena, &facts, &err)) {
        require_sendable(&facts);
    } else {
        require(err.code >= FM_NO_MEDIA_FOUND && err.code <= FM_RESOURCE_DISK);
    }
}

static void walk_output(int fd)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    const struct fm_file_facts expect = {.name = "fuzz"};
    struct fm_file_facts found;
    struct fm_error err = {0};
    if (!fm_verify_file(fd, &expect, MAX_SECONDS, &arena, &found, &err)) {
        require(err.code == FM_VERIFY_FAILED || err.code == FM_RESOURCE_MEMORY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fm_error err;
    FM_AUTO(fm_file_close) int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && fm_file_write_all(fd, data, size, &err));
    av_log_set_level(AV_LOG_QUIET);
    open_source(fd, size);
    walk_output(fd);
    return 0;
}
