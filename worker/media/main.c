/*
 * fetchmedia-media: the sealed child. It is handed descriptors, does one task and ends.
 *   exec → seal → READY → (idle, the slot's spare) → WORK or VERIFY → END → exit 0
 * Descriptor 3 is the channel; nothing is said in argv but the self-test's word:
 *   fetchmedia-media --try socket|open|exec|fork|ptrace|kill|stat|share|grow
 * which seals itself and tries that call: it dies by SIGSYS, or exits 0 refused, 1 if it worked.
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

static bool try_call(const char *word)
{
    struct fm_error err = {0};
    unsigned landlock = 0;
    if (fm_seal_close(&landlock, &err)) {
        return !fm_seal_try_succeeds(word);
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

/* Waits for the one command. True without an task if the worker closed the channel: a spare that
 * was not needed. What is told about a growing source before the command is passed over. */
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
    /* What libav has to say travels as an error: its lines would quote the file. */
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
