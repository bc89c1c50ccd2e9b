/*
 * The `up` command: starts a whole stack and supervises it. The process that ran the command is the
 * supervisor; with --detach it is a forked child in a session of its own, and the command returns
 * when the stack is ready. A second `up` in the same state directory only reports the first one.
 * Order: lock, leftovers of a killed supervisor, directories and ports, members (stack.c), then
 * watch until SIGTERM or SIGINT.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/leftover.h"
#include "cli/stack.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/settings.h"

#define READY_LIMIT 8192 /* bytes of up.json */

/* Parsed, range-checked and suggested like every other setting: by the rows of `table`. */
struct options {
    char *state_dir, *listen, *allow_private;
    uint64_t workers, cpu_slots, net_slots;
    bool detach, json;
};

#define ROW(kind, name, standard, min, max, help)                                                  \
    FM_ROW(FM_KIND_##kind, #name, offsetof(struct options, name), standard, min, max, help)
static const struct fm_setting table[] = {
    ROW(TEXT, state_dir, "", 0, 4096, "The state directory"),
    ROW(TEXT, listen, "", 0, 128, "Address and port of the API"),
    ROW(TEXT, allow_private, "", 0, 4096, "Private networks that jobs may fetch from"),
    ROW(NUMBER, workers, "0", 0, FM_STACK_WORKERS, "Worker nodes on this machine; 0: 1"),
    ROW(NUMBER, cpu_slots, "0", 0, 128, "Encodes at once, each worker; 0: half the cores"),
    ROW(NUMBER, net_slots, "0", 0, 128, "Fetches at once, each worker; 0: 4"),
    ROW(BOOL, detach, "false", 0, 1, "Return when everything is ready"),
    ROW(BOOL, json, "false", 0, 1, "Print one JSON object"),
};

/* NULL for an empty text, which counts as not given. */
static const char *text_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

/* ---- what is printed when ready ---- */

static void format_ready(const struct fm_stack *stack, const struct fm_state_dir *state_dir,
                         struct fm_text *out)
{
    const char *key = fm_stack_key(stack);
    const char *base = fm_stack_base(stack);
    fm_text_format(out, "FetchMedia is running at %s\n", base);
    if (key) {
        fm_text_format(out,
                       "API key (shown only this once): %s\n"
                       "Operator account: operator@localhost, password (shown only this once): "
                       "%s\n",
                       key, fm_stack_password(stack) ? fm_stack_password(stack) : "unchanged");
    }
    fm_text_format(
        out,
        "Try it:\n  curl -X POST \"%s/v1/videos/url?url=https://example.org/video.mp4\" -H "
        "\"Authorization: Bearer %s\" -H \"Content-Type: application/json\"\nStop it:\n  "
        "fetchmedia "
        "down --state-dir %s\n",
        base, key ? key : "YOUR_API_KEY", state_dir->path);
}

static void format_running(const struct fm_state_dir *state_dir, bool wants_json,
                           struct fm_text *out)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "up.json");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
    if (!fm_file_read(path, READY_LIMIT, &text, NULL) ||
        !fm_json_parse((struct fm_slice){text.data, text.length}, &json, NULL)) {
        fm_text_format(out, "%s\n", wants_json ? "{}" : "FetchMedia is already starting.");
    } else if (wants_json) {
        fm_text_append(out, fm_text_get(&text));
    } else {
        fm_text_format(out, "FetchMedia is already running at %s\n",
                       fm_json_text(fm_json_get(json, "base_url")));
    }
}

/* Names the options that a running stack ignores: they take effect only when it is started. */
static void warn_ignored_options(const struct fm_stack_options *options)
{
    const struct {
        const char *name;
        bool is_given;
    } rows[] = {{"--listen", options->listen != NULL},
                {"--allow-private", options->allow_private != NULL},
                {"--workers", options->workers_are_given},
                {"--cpu-slots", options->cpu_slots > 0},
                {"--net-slots", options->net_slots > 0}};
    FM_AUTO(fm_text_done) struct fm_text names = {0};
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        if (rows[i].is_given) {
            fm_text_format(&names, "%s%s", names.length > 0 ? ", " : "", rows[i].name);
        }
    }
    if (names.length > 0) {
        fprintf(stderr,
                "fetchmedia: a stack is already running here, so these options were not applied: "
                "%s; run fetchmedia down, then up with them\n",
                fm_text_get(&names));
    }
}

/* ---- from lock to ready ---- */

/* Where the ready message goes: our stdout, or with --detach the pipe to the waiting parent. */
struct output {
    int fd;
    bool is_detached;
};

static void send_message(const struct output *output, const struct fm_text *text)
{
    struct fm_error err = {0};
    if (!fm_file_write_all(output->fd, text->data, text->length, &err)) {
        fprintf(stderr, "fetchmedia: %s\n", err.detail);
    }
}

/* Leaves the terminal: from here on stdout and stderr go to log/supervisor.log. */
static bool detach_output(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "log/supervisor.log");
    FM_AUTO(fm_file_close) int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    FM_AUTO(fm_file_close) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0) {
        return fm_fail(err, FM_SYSTEM, "%s cannot be opened", path);
    }
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    return true;
}

/* The supervisor takes these with sigwaitinfo(2). Blocked before anything is started, so that one
 * that arrives during the start is handled once the stack is ready, and none is lost. */
static void block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* From the first member's start to the last one's end; up.json and the sockets are removed last. */
static bool run_stack(const struct fm_stack_options *options, const struct fm_state_dir *state_dir,
                      const struct fm_state_dir_ports *ports, const struct output *output,
                      struct fm_error *err)
{
    const char *url = text_or_null(getenv("FETCHMEDIA_DATABASE_URL"));
    struct fm_stack *stack =
        fm_stack_new(options, state_dir, ports, url ? url : text_or_null(getenv("DATABASE_URL")));
    bool ok = fm_stack_start(stack, err);
    if (ok) {
        FM_AUTO(fm_text_done) struct fm_text text = {0};
        if (options->wants_json) {
            fm_stack_describe(stack, false, &text);
        } else {
            format_ready(stack, state_dir, &text);
        }
        if (options->wants_json) {
            fm_text_append_char(&text, '\n');
        }
        fm_stack_publish(stack);
        send_message(output, &text);
        if (output->is_detached && (ok = detach_output(state_dir, err))) {
            close(output->fd);
        }
        fm_stack_watch(stack);
    }
    fm_stack_destroy(&stack);
    fm_state_dir_remove_runtime(state_dir);
    return ok;
}

/* The lock is held until everything is gone, so that `down` can wait for it. */
static bool run_locked(const struct fm_stack_options *options, const struct output *output,
                       struct fm_error *err)
{
    struct fm_state_dir state_dir;
    struct fm_state_dir_ports ports = {0};
    int lock = -1;
    bool is_acquired = false;
    bool ok = fm_state_dir_find(options->state_dir, &state_dir, err) &&
              fm_file_make_dirs(state_dir.path, 0711, err) &&
              fm_state_dir_lock(&state_dir, &lock, &is_acquired, err);
    if (ok && !is_acquired) {
        FM_AUTO(fm_text_done) struct fm_text text = {0};
        format_running(&state_dir, options->wants_json, &text);
        warn_ignored_options(options);
        send_message(output, &text);
    } else if (ok) {
        ok = fm_leftover_wait(&state_dir, err) &&
             fm_state_dir_make(&state_dir, (unsigned)options->workers, err) &&
             fm_state_dir_ports(&state_dir, options->listen, &ports, err) &&
             run_stack(options, &state_dir, &ports, output, err);
    }
    fm_state_dir_ports_done(&ports);
    fm_state_dir_done(&state_dir);
    fm_file_close(&lock);
    return ok;
}

/* ---- in the foreground or detached ---- */

static int run_in_foreground(const struct fm_stack_options *options)
{
    struct fm_error err = {0};
    struct output output = {.fd = STDOUT_FILENO};
    block_signals();
    return run_locked(options, &output, &err) ? FM_EXIT_OK : fm_command_fail(&err);
}

/* Copies the supervisor's ready message to stdout. The supervisor closes the pipe once the stack is
 * ready. If it ended instead, its exit code becomes ours. */
static int forward_message(int fd, pid_t pid)
{
    char bytes[READY_LIMIT];
    size_t total = 0;
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        total += (size_t)got;
        (void)!write(STDOUT_FILENO, bytes, (size_t)got);
    }
    int status = 0;
    if (total > 0 && waitpid(pid, &status, WNOHANG) == 0) {
        return FM_EXIT_OK;
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : FM_EXIT_SYSTEM;
}

/* stdout is flushed before the fork, so that buffered text is not printed twice. */
static int run_detached(const struct fm_stack_options *options)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return FM_EXIT_SYSTEM;
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        return FM_EXIT_SYSTEM;
    }
    if (pid > 0) {
        close(ends[1]);
        return forward_message(ends[0], pid);
    }
    close(ends[0]);
    setsid();
    block_signals();
    struct fm_error err = {0};
    struct output output = {.fd = ends[1], .is_detached = true};
    exit(run_locked(options, &output, &err) ? FM_EXIT_OK : fm_command_fail(&err));
}

int fm_up_command(int argc, char **argv)
{
    struct options options = {0};
    struct fm_error err = {0};
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof *rest);
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    if (!fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err)) {
        return fm_command_fail(&err);
    }
    if (words.rest_count > 0) {
        fm_fail(&err, FM_SETTING, "up: unexpected argument \"%s\"", rest[0]);
        return fm_command_fail(&err);
    }
    struct fm_stack_options stack = {
        .state_dir = text_or_null(options.state_dir),
        .listen = text_or_null(options.listen),
        .allow_private = text_or_null(options.allow_private),
        .workers = options.workers > 0 ? options.workers : 1,
        .workers_are_given = options.workers > 0,
        .cpu_slots = options.cpu_slots,
        .net_slots = options.net_slots,
        .is_detached = options.detach,
        .wants_json = options.json,
    };
    int code = options.detach ? run_detached(&stack) : run_in_foreground(&stack);
    fm_settings_done(table, FM_COUNT(table), &options);
    return code;
}
