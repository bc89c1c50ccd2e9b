/*
 * The commands `down` and `status`. Both find the stack by its state directory: `down` signals the
 * supervisor that holds the lock and waits until the lock is free, which is after all members have
 * ended; `status` reads up.json and asks the broker whether it is ready.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/running.h"
#include "cli/state_dir.h"
#include "common/clock.h"
#include "common/memory.h"
#include "common/settings.h"

#define STOP_PATIENCE_MS 90000 /* the supervisor gives each member 20 s (stack.c) */
#define POLL_MS 20

struct options {
    char *state_dir;
    bool json;
};

#define ROW(kind, name, standard, min, max, help)                                                  \
    FM_ROW(FM_KIND_##kind, #name, offsetof(struct options, name), standard, min, max, help)
static const struct fm_setting table[] = {
    ROW(TEXT, state_dir, "", 0, 4096, "The state directory"),
    ROW(BOOL, json, "false", 0, 1, "Print one JSON object"),
};

static bool load_options(int argc, char **argv, struct options *options,
                         struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof *rest);
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    if (!fm_settings_load(table, FM_COUNT(table), options, NULL, &words, err)) {
        return false;
    }
    if (words.rest_count > 0) {
        return fm_fail(err, FM_SETTING, "%s: unexpected argument \"%s\"", argv[0], rest[0]);
    }
    const char *given = options->state_dir && *options->state_dir ? options->state_dir : NULL;
    return fm_state_dir_find(given, state_dir, err);
}

static bool wait_until_stopped(const struct fm_state_dir *state_dir)
{
    int64_t until_ms = fm_clock_ms() + STOP_PATIENCE_MS;
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    bool is_running = true;
    while (fm_running_is(state_dir, &is_running, NULL) && is_running) {
        if (fm_clock_ms() > until_ms) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return !is_running;
}

/* A stack that does not run is a success: `down` may be repeated. */
static int stop_stack(const struct fm_state_dir *state_dir)
{
    struct fm_error err = {0};
    bool is_running = false;
    if (!fm_running_is(state_dir, &is_running, &err)) {
        return fm_command_fail(&err);
    }
    if (!is_running) {
        printf("FetchMedia is not running in %s\n", state_dir->path);
        return FM_EXIT_OK;
    }
    pid_t pid = fm_state_dir_owner(state_dir);
    if (pid <= 1 || kill(pid, SIGTERM) != 0 || !wait_until_stopped(state_dir)) {
        fprintf(stderr, "fetchmedia: the supervisor (process %d) did not stop\n", (int)pid);
        return FM_EXIT_SYSTEM;
    }
    printf("FetchMedia has stopped. Jobs, keys and files are kept in %s\n", state_dir->path);
    return FM_EXIT_OK;
}

int fm_down_command(int argc, char **argv)
{
    struct options options = {0};
    struct fm_state_dir state_dir = {0};
    struct fm_error err = {0};
    int code = load_options(argc, argv, &options, &state_dir, &err) ? stop_stack(&state_dir)
                                                                    : fm_command_fail(&err);
    fm_state_dir_done(&state_dir);
    fm_settings_done(table, FM_COUNT(table), &options);
    return code;
}

static int show_status(const struct fm_state_dir *state_dir, bool wants_json)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0}, body = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
    struct fm_error err = {0};
    bool is_running = false;
    unsigned workers = 0;
    if (!fm_running_is(state_dir, &is_running, &err)) {
        return fm_command_fail(&err);
    }
    if (!is_running || !fm_running_describe(state_dir, &text, &json)) {
        printf("%s\n", wants_json ? "{\"running\":false}" : "FetchMedia is not running.");
        return FM_EXIT_UNREACHABLE;
    }
    const char *base = fm_json_text(fm_json_get(json, "base_url"));
    FM_AUTO_FREE char *operator_url = fm_running_operator(json);
    bool is_ready = fm_running_is_ready(operator_url, &workers, &body);
    if (wants_json) {
        printf("%s", fm_text_get(&text));
    } else {
        printf("FetchMedia is running at %s, %s\nMetrics: %s\n", base,
               is_ready ? "ready" : "not ready", fm_json_text(fm_json_get(json, "metrics_url")));
    }
    return is_ready ? FM_EXIT_OK : FM_EXIT_UNREACHABLE;
}

int fm_status_command(int argc, char **argv)
{
    struct options options = {0};
    struct fm_state_dir state_dir = {0};
    struct fm_error err = {0};
    int code = load_options(argc, argv, &options, &state_dir, &err)
                   ? show_status(&state_dir, options.json)
                   : fm_command_fail(&err);
    fm_state_dir_done(&state_dir);
    fm_settings_done(table, FM_COUNT(table), &options);
    return code;
}
