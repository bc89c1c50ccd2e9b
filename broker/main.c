/*
 * The broker program: it opens the rooms in order, serves until SIGTERM or SIGINT, and closes them
 * in reverse; or it runs one of the operator's commands (operator/admin.h). SIGHUP reads the
 * settings again. At the end, requests under way have drain_seconds to finish, unless a second
 * signal comes. Workers and their leases are left as they are, for the next broker.
 * Owns: everything in struct broker. Threads: the main thread, which alone handles signals.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "broker/api/batch_cache.h"
#include "broker/api/openapi.h"
#include "broker/api/position.h"
#include "broker/api/routes.h"
#include "broker/config/reload.h"
#include "broker/db/batch_writer.h"
#include "broker/db/hosts.h"
#include "broker/db/migrate.h"
#include "broker/operator/admin.h"
#include "broker/operator/retention.h"
#include "broker/operator/scrape.h"
#include "broker/queue/dispatch.h"
#include "broker/queue/link.h"
#include "broker/queue/watch.h"
#include "broker/request/queued_limit.h"
#include "broker/request/request.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/url.h"

#define RELOADS_MAX 1000  /* the settings of every reload are kept: a room may be reading them */
#define DRAIN_CHECK_MS 20 /* between two checks of the number of requests under way */

struct broker {
    int argc;
    char **argv;
    struct fm_broker_settings settings;
    struct fm_broker_settings *reloads[RELOADS_MAX];
    size_t reload_count;
    struct fm_secrets secrets;
    struct fm_signed_url signed_url;
    struct fm_store *store;
    struct fm_watch *watch;
    struct fm_reader *reader;
    struct fm_dispatch *dispatch;
    struct fm_batch_writer *batch_writer;
    struct fm_batch_cache *batches;
    struct fm_queued_limit *queued_limit;
    struct fm_position *position;
    struct fm_retention *retention;
    struct fm_http *http, *metrics;
};

/* The listeners must be given as literal addresses, so that workers can be forbidden to fetch from
 * them (`own` in WELCOME). */
static bool check_listeners(const struct fm_broker_settings *settings, struct fm_error *err)
{
    const char *const listeners[] = {settings->listen, settings->link_listen,
                                     settings->metrics_listen};
    size_t count = settings->metrics_listen[0] ? 3 : 2;
    for (size_t i = 0; i < count; i++) {
        struct fm_address_rule rule;
        if (!fm_address_rule_parse(listeners[i], &rule, err) || rule.port == 0) {
            return fm_fail(err, FM_SETTING,
                           "\"%s\" is not an address and port to listen on, such as 127.0.0.1:8080",
                           listeners[i]);
        }
    }
    return true;
}

/* The database's schema comes first, and the HTTP listeners last: no request arrives before all it
 * may need is there. If this fails, close_modules() closes what was opened. */
static bool open_modules(struct broker *broker, struct fm_error *err)
{
    const struct fm_broker_settings *settings = &broker->settings;
    unsigned applied;
    uint8_t digest[FM_HASH_SIZE];
    fm_secrets_check(&broker->secrets, digest);
    if (!check_listeners(settings, err) || !fm_migrate_run(settings->database_url, &applied, err) ||
        !fm_migrate_check_secrets(settings->database_url, digest, err) ||
        !fm_store_new_local(settings->store_dir, &broker->store, err)) {
        return false;
    }
    broker->signed_url = (struct fm_signed_url){
        .secrets = &broker->secrets,
        .store_origin = fm_url_of_listener(settings->listen),
        .client_url_seconds = settings->client_url_seconds,
        .worker_url_seconds = settings->worker_url_seconds,
    };
    broker->watch = fm_watch_new();
    broker->reader = fm_reader_new(settings->database_url, (unsigned)settings->reader_threads);
    if (!fm_dispatch_new(settings, &broker->secrets, &broker->signed_url, broker->watch,
                         &broker->dispatch, err)) {
        return false;
    }
    broker->retention = fm_retention_new(settings, broker->store);
    broker->batch_writer = fm_batch_writer_new(settings->database_url);
    broker->batches = fm_batch_cache_new();
    broker->queued_limit = fm_queued_limit_new();
    broker->position = fm_position_new();
    struct fm_front front = {
        .routes = &fm_routes,
        .settings = settings,
        .secrets = &broker->secrets,
        .signed_url = &broker->signed_url,
        .store = broker->store,
        .watch = broker->watch,
        .reader = broker->reader,
        .dispatch = broker->dispatch,
        .batch_writer = broker->batch_writer,
        .batches = broker->batches,
        .queued_limit = broker->queued_limit,
        .position = broker->position,
    };
    return fm_request_open(&front, &broker->http, err) &&
           (!settings->metrics_listen[0] ||
            fm_scrape_open(&front, broker->http, &broker->metrics, err));
}

/* The reverse of open_modules(). Safe for modules that were never opened. */
static void close_modules(struct broker *broker)
{
    fm_http_close(&broker->metrics);
    fm_http_close(&broker->http);
    fm_position_destroy(&broker->position);
    fm_queued_limit_destroy(&broker->queued_limit);
    fm_batch_cache_destroy(&broker->batches);
    fm_batch_writer_destroy(&broker->batch_writer);
    fm_retention_destroy(&broker->retention);
    fm_dispatch_destroy(&broker->dispatch);
    fm_reader_destroy(&broker->reader);
    fm_watch_destroy(&broker->watch);
    fm_memory_release(&broker->signed_url.store_origin);
    fm_store_destroy(&broker->store);
}

/* ---- while it serves ---- */

/* The settings of the last reload, or else those of the start. */
static const struct fm_broker_settings *settings_now(const struct broker *broker)
{
    return broker->reload_count > 0 ? broker->reloads[broker->reload_count - 1] : &broker->settings;
}

/* A reload that fails changes nothing, and the broker goes on. */
static void reload(struct broker *broker)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)broker->argc, sizeof *rest);
    struct fm_settings_arguments words = {broker->argc, broker->argv, rest, 0};
    struct fm_error err = {0};
    enum fm_log_level level;
    if (broker->reload_count == RELOADS_MAX) {
        fm_fail(&err, FM_SETTING, "reloaded %d times: restart the broker", RELOADS_MAX);
    } else if (fm_reload_settings(settings_now(broker), &words,
                                  &broker->reloads[broker->reload_count], &err)) {
        broker->reload_count++;
        if (fm_log_level_by_name(settings_now(broker)->log_level, &level)) {
            fm_log_set_level(level);
        }
        fm_dispatch_reload(broker->dispatch, settings_now(broker));
        fm_log(FM_LOG_INFO, "reloaded", NULL);
        return;
    }
    fm_log_failure("reload_refused", &err);
}

/* Must run before any thread is made: threads inherit the mask, so that only the main thread gets
 * these signals, from sigwait. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(struct broker *broker, const sigset_t *signals)
{
    int got = SIGHUP;
    while (got == SIGHUP) {
        sigwait(signals, &got);
        if (got == SIGHUP) {
            reload(broker);
        }
    }
    fm_log(FM_LOG_INFO, "stopping", "signal=%d requests=%zu", got, fm_http_busy(broker->http));
}

/* Waits until no request is under way, drain_seconds are over, or a second SIGTERM or SIGINT comes.
 * SIGHUP is ignored here. */
static void drain(struct broker *broker, const sigset_t *signals)
{
    int64_t until_ms = fm_clock_ms() + (int64_t)settings_now(broker)->drain_seconds * 1000;
    const struct timespec pause = {.tv_nsec = DRAIN_CHECK_MS * 1000000L};
    int got = -1;
    fm_http_drain(broker->http);
    while (fm_http_busy(broker->http) > 0 && fm_clock_ms() < until_ms &&
           (got == -1 || got == SIGHUP)) {
        got = sigtimedwait(signals, NULL, &pause);
    }
    fm_log(FM_LOG_INFO, "drained", "requests_cut=%zu", fm_http_busy(broker->http));
}

static bool serve(struct broker *broker, struct fm_error *err)
{
    sigset_t signals;
    block_signals(&signals);
    bool ok = open_modules(broker, err);
    if (ok) {
        fm_log(FM_LOG_INFO, "ready", "listen=%s link=%s", broker->settings.listen,
               broker->settings.link_listen);
        wait_for_end(broker, &signals);
        drain(broker, &signals);
    }
    close_modules(broker);
    fm_link_shutdown();
    for (size_t i = 0; i < broker->reload_count; i++) {
        fm_reload_destroy(&broker->reloads[i]);
    }
    return ok;
}

/* ---- the command line ---- */

static void print_help(void)
{
    FM_AUTO(fm_text_done) struct fm_text settings = {0};
    fm_settings_help(fm_broker_settings_table, fm_broker_settings_count, &settings);
    printf("fetchmedia-broker [settings] [command]\nWithout a command it serves. "
           "Commands:\n%s\nSettings:\n%s",
           fm_admin_usage, fm_text_get(&settings));
}

/* Prints the same description that clients get from /openapi.json. */
static void print_openapi(const struct fm_broker_settings *settings)
{
    FM_AUTO_FREE char *own = fm_url_of_listener(settings->listen);
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_openapi_write(settings->public_url[0] != '\0' ? settings->public_url : own, &text);
    printf("%s\n", fm_text_get(&text));
}

/* Runs a command that needs only the settings: no secrets and no database. False if `word` is not
 * such a command. */
static bool print_page(const struct broker *broker, const char *word)
{
    if (strcmp(word, "--help") == 0) {
        print_help();
        return true;
    }
    if (strcmp(word, "openapi") == 0) {
        print_openapi(&broker->settings);
        return true;
    }
    return false;
}

/* DATABASE_URL, the customary name, is used if database_url is not set in our own ways. */
static void default_database(struct fm_broker_settings *settings)
{
    const char *url = getenv("DATABASE_URL");
    if (settings->database_url[0] || !url) {
        return;
    }
    fm_memory_release(&settings->database_url);
    settings->database_url = fm_strdup(url);
}

/* Leaves the words that are not settings in `words`: the command. */
static bool load(struct broker *broker, struct fm_settings_arguments *words, struct fm_error *err)
{
    if (!fm_settings_load(fm_broker_settings_table, fm_broker_settings_count, &broker->settings,
                          getenv("FETCHMEDIA_CONFIG"), words, err)) {
        return false;
    }
    default_database(&broker->settings);
    enum fm_log_level level;
    if (!fm_log_level_by_name(broker->settings.log_level, &level)) {
        return fm_fail(err, FM_SETTING, "log_level: debug, info, warning or error");
    }
    fm_log_open("broker", level);
    return true;
}

/* The exit status tells `fetchmedia up` whether a restart can help: not after a bad setting. The
 * process is made undumpable first, because its memory will hold the secrets. */
int main(int argc, char **argv)
{
    struct broker broker = {.argc = argc, .argv = argv};
    struct fm_error err = {0};
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof *rest);
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    prctl(PR_SET_DUMPABLE, 0);
    bool ok = load(&broker, &words, &err);
    if (ok && words.rest_count == 1 && print_page(&broker, rest[0])) {
        fm_settings_done(fm_broker_settings_table, fm_broker_settings_count, &broker.settings);
        return FM_DAEMON_STOPPED;
    }
    ok = ok && (!words.rest_count || fm_admin_check(rest, words.rest_count, &err)) &&
         fm_db_hosts_check(broker.settings.database_url, &err);
    ok = ok && fm_secrets_load(broker.settings.secrets_dir, &broker.secrets, &err);
    ok = ok && (words.rest_count
                    ? fm_admin_run(&broker.settings, &broker.secrets, rest, words.rest_count, &err)
                    : serve(&broker, &err));
    if (!ok) {
        fm_log_failure("broker", &err);
    }
    fm_secrets_done(&broker.secrets);
    fm_settings_done(fm_broker_settings_table, fm_broker_settings_count, &broker.settings);
    if (ok) {
        return FM_DAEMON_STOPPED;
    }
    return err.code == FM_SETTING || err.code == FM_INVALID_REQUEST ? FM_DAEMON_SETTING
                                                                    : FM_DAEMON_FAILED;
}
