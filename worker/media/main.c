/*
 * fetchmedia-media: the sealed child, which alone parses media. It seals itself before it reads the
 * first byte from outside, receives descriptors over its channel, does one task and exits.
 *   exec → seal → READY → (idle as the slot's spare) → WORK or VERIFY → END → exit 0
 * The worker starts it with the channel as descriptor 3 and without arguments. The only argument
 * there is starts the self-test of the seal:
 *   fetchmedia-media --try socket|open|exec|fork|ptrace|kill|stat|share|grow
 * It seals itself and makes that call. Either SIGSYS kills it, or it exits with 0 if the call was
 * refused and with 1 if the call worked.
 */
#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "worker/media/seal.h"
#include "worker/media/seal_try.h"
#include "worker/media/task.h"

/* True if the seal stood and the call was refused. */
static bool try_call(const char *name)
{
    struct fm_error err = {0};
    unsigned landlock = 0;
    if (fm_seal_close(&landlock, &err)) {
        return !fm_seal_try_succeeds(name);
    }
    fm_log_failure("seal_failed", &err);
    return false;
}

static bool send_ready(struct fm_channel *channel, unsigned landlock, struct fm_error *err)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_READY);
    fm_fault("media_ready_unsent");
    message.ready.landlock = landlock;
    bool sent = fm_channel_send(channel, &message, NULL, 0, -1, err);
    fm_message_done(&message);
    return sent;
}

static bool run_task(struct fm_channel *channel, const struct fm_message *command, const int *fds,
                     size_t fd_count, struct fm_error *err)
{
    struct fm_task task = {.channel = channel, .fds = fds, .fd_count = fd_count};
    struct fm_message end;
    fm_task_run(&task, command, &end);
    fm_fault("media_end_unsent");
    bool sent = fm_channel_send(channel, &end, NULL, 0, -1, err);
    fm_message_done(&end);
    fm_task_done(&task);
    return sent;
}

/* Waits for the one command this child is for. True without having done anything if the worker
 * closes the channel: the child was a spare and not needed. Other messages that may come before the
 * command (about a growing source) are ignored. */
static bool serve_command(struct fm_channel *channel, struct fm_error *err)
{
    struct fm_message command;
    int fds[FM_CHANNEL_DESCRIPTORS];
    for (;;) {
        size_t fd_count = 0;
        enum fm_channel_got got = fm_channel_receive(channel, -1, &command, fds, &fd_count, err);
        if (got == FM_CHANNEL_CLOSED) {
            return true;
        }
        if (got == FM_CHANNEL_BROKEN) {
            return false;
        }
        if (got == FM_CHANNEL_NOTHING) {
            continue;
        }
        bool known = fm_task_knows(command.type);
        bool served = known && run_task(channel, &command, fds, fd_count, err);
        for (size_t i = 0; i < fd_count; i++) {
            fm_file_close(&fds[i]);
        }
        fm_message_done(&command);
        if (known) {
            return served;
        }
    }
}

static bool run_child(struct fm_error *err)
{
    /* libav's messages quote the file, so they never go to the log by themselves; the pipeline adds
     * the last one to the detail of its error. */
    av_log_set_level(AV_LOG_QUIET);
    struct fm_channel *channel = fm_channel_new(FM_CHANNEL_CHILD_FD, FM_FROM_WORKER);
    unsigned landlock = 0;
    bool good = fm_seal_close(&landlock, err) && send_ready(channel, landlock, err) &&
                serve_command(channel, err);
    fm_channel_destroy(&channel);
    return good;
}

int main(int argc, char **argv)
{
    struct fm_error err = {0};
    fm_log_open("media", FM_LOG_INFO);
    if (argc == 3 && !strcmp(argv[1], "--try")) {
        return try_call(argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (run_child(&err)) {
        return EXIT_SUCCESS;
    }
    fm_log_failure("child_failed", &err);
    return EXIT_FAILURE;
}
