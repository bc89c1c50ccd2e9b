/*
 * fetchmedia-transfer: the child that alone talks to the network, for one attempt of one job: it
 * fetches the source into the work directory and later uploads the outputs to the store. The worker
 * starts it with the channel as descriptor 3 and without arguments.
 *
 *   READY → FETCH → SOURCE, COMPLETE → DELIVER → WANT_UPLOAD, UPLOAD → END
 *
 * It parses no media and knows no ids: the worker knows whose attempt this is. If a message comes
 * out of turn, the process exits without END, and the worker treats that as a crash.
 * Threads: one; everything waits either in curl or on the channel, and each of the two lets the
 * other have its turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/utf8.h"
#include "worker/transfer/deliver.h"
#include "worker/transfer/fetch.h"

/* Forbids core dumps (they would contain signed URLs), tracing by processes of the same user, and
 * privileges gained from executables; and has the kernel kill this process when the worker dies. */
static bool harden_process(pid_t parent, struct fm_error *err)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fm_fail_errno(err, "harden");
    }
    /* If the worker died before PR_SET_PDEATHSIG took effect, the kernel sends nothing. */
    if (getppid() != parent) {
        return fm_fail(err, FM_SYSTEM, "the worker has exited");
    }
    signal(SIGPIPE, SIG_IGN);
    return true;
}

/* Descriptor 3 exists only if the worker has started this program. */
static bool is_started_by_worker(void)
{
    return fcntl(FM_CHANNEL_CHILD_FD, F_SETFD, FD_CLOEXEC) == 0;
}

static bool send_ready(struct fm_line *line, struct fm_error *err)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_READY);
    bool is_sent = fm_line_send(line, &message, -1, err);
    fm_message_done(&message);
    return is_sent;
}

/* The last message: the files that were stored, or the error. */
static bool send_end(struct fm_line *line, struct fm_deliver_result *result,
                     const struct fm_error *failure, struct fm_error *err)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_END);
    char detail[sizeof(failure->detail)] = "";
    if (failure->code != FM_NONE) {
        memcpy(detail, failure->detail, sizeof(detail));
        fm_utf8_clean(detail, FM_UTF8_NO_CONTROLS);
        message.end.error = (uint64_t)failure->code;
        message.end.detail = detail;
    } else {
        message.end.files = (struct fm_list){result->files, result->count};
    }
    fm_fault("transfer_end_unsent");
    bool is_sent = fm_line_send(line, &message, -1, err);
    fm_message_done(&message);
    return is_sent;
}

/* FETCH, and everything up to COMPLETE. */
static bool fetch_source(struct fm_line *line, struct fm_error *err)
{
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_spec spec;
    return fm_line_expect(line, FM_MESSAGE_FETCH, &packet, err) &&
           fm_line_apply_fetch(line, &packet.message.fetch, err) &&
           fm_spec_read(packet.message.fetch.spec, &arena, &spec, err) &&
           fm_fetch_run(line, &packet.message.fetch, &spec, err);
}

/* One attempt, from FETCH to END. False without an END if a message came out of turn. The files
 * that END lists point into the packet of DELIVER, so it is kept until END is sent. */
static bool serve_attempt(struct fm_line *line, struct fm_error *err)
{
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    FM_AUTO_FREE struct fm_deliver_result *result = fm_alloc(sizeof(*result));
    struct fm_error failure = {0};
    bool is_done = fetch_source(line, &failure) &&
                   fm_line_expect(line, FM_MESSAGE_DELIVER, &packet, &failure) &&
                   fm_deliver_run(line, &packet, FM_DELIVER_TIMING, result, &failure);
    if (is_done) {
        failure.code = FM_NONE;
    }
    if (failure.code == FM_PROTOCOL) {
        *err = failure;
        return false;
    }
    return send_end(line, result, &failure, err);
}

/* The worker hands its own log level on in the environment. */
static enum fm_log_level wanted_level(void)
{
    enum fm_log_level level = FM_LOG_INFO;
    const char *name = getenv("FETCHMEDIA_LOG_LEVEL");
    if (name != NULL && !fm_log_level_by_name(name, &level)) {
        level = FM_LOG_INFO;
    }
    return level;
}

int main(void)
{
    struct fm_line line;
    struct fm_error err = {0};
    pid_t parent = getppid();
    fm_log_open("transfer", wanted_level());
    if (!is_started_by_worker()) {
        fm_log(FM_LOG_ERROR, "no_channel", "hint=fetchmedia-worker_starts_this_program");
        return EXIT_FAILURE;
    }
    if (!harden_process(parent, &err)) {
        fm_log_failure("start_failed", &err);
        return EXIT_FAILURE;
    }
    fm_line_init(&line, FM_CHANNEL_CHILD_FD);
    bool is_served = send_ready(&line, &err) && serve_attempt(&line, &err);
    if (!is_served) {
        fm_log_failure("broken_off", &err);
    }
    fm_line_done(&line);
    return is_served ? EXIT_SUCCESS : EXIT_FAILURE;
}
