/*
 * Starts fetchmedia-worker, the daemon of one node: reads the settings, locks the node's directory,
 * tries the seal, then runs the loop (serve.c). The daemon holds slots; opens job files and hands
 * the descriptors over; starts, watches and ends children; relays and reports. It reads no media,
 * fetches no URL, and sees no database and no credentials but its own key.
 *
 *   fetchmedia-worker [--config FILE] --print-key      prints the node's public key
 *   fetchmedia-worker [--config FILE] --try-seal       only tests the seal
 *   fetchmedia-worker [--config FILE] [--SETTING …]    serves until SIGTERM
 *
 * Its exit codes are those of common/daemon.h.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"
#include "worker/serve.h"
#include "worker/settings.h"
#include "worker/trial.h"

/* Opens descriptors 0 to 2 if they are closed, so that no other file gets these numbers: children
 * inherit 2, and every log line would go into that file. */
static bool open_standard_descriptors(void)
{
    int fd = -1;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    fm_file_close(&fd);
    return fcntl(2, F_GETFD) >= 0;
}

/* Called before ZeroMQ makes its threads, which inherit the mask: only signalfd receives them. */
static void block_signals(void)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* By habit SIGHUP means "read the settings again"; the worker never does, and must not die. */
    signal(SIGHUP, SIG_IGN);
}

/* ---- settings ---- */

/* `--config FILE` must be the first option, because the other options override the file. */
static bool load_settings(int argc, char **argv, struct fm_worker_settings *settings, bool *is_help,
                          struct fm_error *err)
{
    const char *file = getenv("FETCHMEDIA_WORKER_CONFIG");
    int skipped = 0;

    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(char *));
    if (argc >= 3 && strcmp(argv[1], "--config") == 0) {
        file = argv[2];
        skipped = 2;
    }
    struct fm_settings_arguments words = {argc - skipped, argv + skipped, rest, 0};
    if (!fm_settings_load(fm_worker_settings_table, fm_worker_settings_count, settings, file,
                          &words, err)) {
        return false;
    }
    *is_help = words.rest_count > 0 && strcmp(rest[0], "--help") == 0;
    if (words.rest_count > 0 && !*is_help) {
        return fm_fail(err, FM_SETTING, "\"%s\" is not a setting", rest[0]);
    }
    return true;
}

static int print_help(void)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_append(&text, "fetchmedia-worker [--config FILE] [--SETTING VALUE …]\n\n");
    fm_settings_help(fm_worker_settings_table, fm_worker_settings_count, &text);
    fputs(text.data, stdout);
    return EXIT_SUCCESS;
}

static int print_key(const struct fm_worker_settings *settings)
{
    struct fm_link_key key;
    struct fm_error err = {0};
    if (!fm_node_key(settings->work_dir, &key, &err)) {
        fm_log_failure("print_key", &err);
        return FM_DAEMON_FAILED;
    }
    printf("%s\n", key.public);
    explicit_bzero(&key, sizeof(key));
    return EXIT_SUCCESS;
}

/* ---- defaults that depend on the machine ---- */

static unsigned count_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 1 ? (unsigned)cores : 1;
}

static unsigned at_least_one(unsigned number)
{
    return number > 0 ? number : 1;
}

/* The directory of this program; "." if /proc cannot be read. The caller frees it. */
static char *own_directory(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length <= 0) {
        return fm_strdup(".");
    }
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    return fm_strdup(path);
}

static bool resolve_work_dir(const char *work_dir, char **out, struct fm_error *err)
{
    *out = realpath(work_dir, NULL);
    return *out != NULL || fm_fail_errno(err, work_dir);
}

/* ---- run ---- */

/* Raises the soft limit on descriptors to the hard limit: an attempt with all its outputs holds
 * about two dozen, and 256 attempts may run (two classes of up to 128 slots). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int try_seal(const char *media)
{
    struct fm_error err = {0};
    if (fm_trial_run(media, &err)) {
        return EXIT_SUCCESS;
    }
    bool is_leak = err.code == FM_SANDBOX_VIOLATION;
    fm_log_failure(is_leak ? "sandbox_leaks" : "trial_failed", &err);
    return is_leak ? FM_DAEMON_UNSEALED : FM_DAEMON_FAILED;
}

static int serve_node(const struct fm_worker_settings *settings, const struct fm_node *node,
                      const char *work_dir)
{
    FM_AUTO_FREE char *beside = own_directory();
    const char *bin_dir = settings->bin_dir[0] != '\0' ? settings->bin_dir : beside;
    FM_AUTO_FREE char *transfer = fm_file_path(bin_dir, "fetchmedia-transfer");
    FM_AUTO_FREE char *media = fm_file_path(bin_dir, "fetchmedia-media");
    unsigned cores = count_cores();
    unsigned cpu_slots =
        settings->cpu_slots > 0 ? (unsigned)settings->cpu_slots : at_least_one(cores / 2);
    const struct fm_serve_options options = {
        .node = node,
        .work_dir = work_dir,
        .brokers = settings->brokers,
        .broker_public_key = settings->broker_public_key,
        .placement = settings->placement[0] != '\0' ? settings->placement : NULL,
        .transfer_path = transfer,
        .media_path = media,
        .net_slots = (unsigned)settings->net_slots,
        .cpu_slots = cpu_slots,
        .threads = at_least_one(cores / cpu_slots),
        .reserve_bytes = settings->reserve_bytes,
        .sweep_age_seconds = settings->sweep_age_seconds,
        .drain_ms = (int64_t)settings->drain_seconds * 1000,
    };
    int code = try_seal(media);
    return code != EXIT_SUCCESS ? code : (int)fm_serve_run(&options);
}

static int run_worker(const struct fm_worker_settings *settings)
{
    struct fm_node node;
    struct fm_error err = {0};
    FM_AUTO_FREE char *work_dir = NULL;
    if (settings->broker_public_key[0] == '\0') {
        fm_log(FM_LOG_ERROR, "setting", "broker_public_key is missing");
        return FM_DAEMON_SETTING;
    }
    block_signals();
    raise_descriptor_limit();
    if (!fm_node_open(settings->work_dir, &node, &err)) {
        fm_log_failure("node", &err);
        return FM_DAEMON_FAILED;
    }
    if (!resolve_work_dir(settings->work_dir, &work_dir, &err)) {
        fm_log_failure("work_dir", &err);
        fm_node_close(&node);
        return FM_DAEMON_FAILED;
    }
    int code = serve_node(settings, &node, work_dir);
    fm_link_shutdown(); /* before the lock is released, so that BYE precedes a new worker's HELLO */
    fm_node_close(&node);
    return code;
}

static int try_seal_alone(const struct fm_worker_settings *settings)
{
    FM_AUTO_FREE char *beside = own_directory();
    FM_AUTO_FREE char *media =
        fm_file_path(settings->bin_dir[0] != '\0' ? settings->bin_dir : beside, "fetchmedia-media");
    return try_seal(media);
}

static int run_with_settings(const struct fm_worker_settings *settings)
{
    enum fm_log_level level = FM_LOG_INFO;
    if (!fm_log_level_by_name(settings->log_level, &level)) {
        fm_log(FM_LOG_ERROR, "setting", "log_level \"%s\" is not debug, info, warning or error",
               settings->log_level);
        return FM_DAEMON_SETTING;
    }
    /* For the children: fm_child_exec passes it on. */
    setenv("FETCHMEDIA_LOG_LEVEL", settings->log_level, 1);
    fm_log_open("worker", level);
    if (settings->try_seal) {
        return try_seal_alone(settings);
    }
    return settings->print_key ? print_key(settings) : run_worker(settings);
}

int main(int argc, char **argv)
{
    struct fm_worker_settings settings = {0};
    struct fm_error err = {0};
    bool is_help = false;
    umask(077);
    fm_log_open("worker", FM_LOG_INFO);
    if (!open_standard_descriptors()) {
        return FM_DAEMON_FAILED;
    }
    if (!load_settings(argc, argv, &settings, &is_help, &err)) {
        fprintf(stderr, "fetchmedia-worker: %s\n", err.message[0] ? err.message : err.detail);
        return FM_DAEMON_SETTING;
    }
    int code = is_help ? print_help() : run_with_settings(&settings);
    fm_settings_done(fm_worker_settings_table, fm_worker_settings_count, &settings);
    return code;
}
