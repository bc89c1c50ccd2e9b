/* The broker: opens its rooms in order, serves until SIGTERM or SIGINT, closes them in reverse. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "broker/admin.h"
#include "broker/migrate.h"
#include "broker/request.h"
#include "broker/retention.h"
#include "common/log.h"
#include "common/memory.h"

#define EXIT_USAGE 2

struct broker {
    struct fm_broker_settings settings;
    struct fm_secrets secrets;
    struct fm_grant grant;
    struct fm_store *store;
    struct fm_watch *watch;
    struct fm_reader *reader;
    struct fm_dispatch *dispatch;
    struct fm_copy *copy;
    struct fm_batch_cache *batches;
    struct fm_retention *retention;
    struct fm_http *http;
};

/* The store is answered to loopback peers alone, whatever address the API listens on. */
static char *store_origin(const char *listen)
{
    FM_AUTO(fm_text_done) struct fm_text origin = {0};
    const char *port = strrchr(listen, ':');
    fm_text_format(&origin, "http://127.0.0.1%s", port ? port : ":8080");
    return fm_text_take(&origin);
}

/* Our own listeners must be known as addresses: nothing may ever be fetched from them (WELCOME's
 * `own`). */
static bool check_listeners(const struct fm_broker_settings *settings, struct fm_error *err)
{
    const char *const listeners[] = {settings->listen, settings->link_listen};
    for (size_t i = 0; i < FM_COUNT(listeners); i++) {
        struct fm_address_rule rule;
        if (!fm_address_rule_parse(listeners[i], &rule, err) || rule.port == 0)
            return fm_fail(err, FM_SETTING,
                           "\"%s\" is no address and port to listen on: such as 127.0.0.1:8080",
                           listeners[i]);
    }
    return true;
}

static bool open_rooms(struct broker *broker, struct fm_error *err)
{
    const struct fm_broker_settings *settings = &broker->settings;
    unsigned applied;
    if (!check_listeners(settings, err) || !fm_migrate_run(settings->database_url, &applied, err) ||
        !fm_migrate_check_secrets(settings->database_url, &broker->secrets, err) ||
        !fm_store_new_local(settings->store_dir, &broker->store, err))
        return false;
    broker->grant = (struct fm_grant){
        .secrets = &broker->secrets,
        .store_origin = store_origin(settings->listen),
        .client_url_seconds = settings->client_url_seconds,
        .worker_url_seconds = settings->worker_url_seconds,
    };
    broker->watch = fm_watch_new();
    broker->reader = fm_reader_new(settings->database_url, (unsigned)settings->reader_threads);
    if (!fm_dispatch_new(settings, &broker->secrets, &broker->grant, broker->watch,
                         &broker->dispatch, err))
        return false;
    broker->retention = fm_retention_new(settings, broker->store);
    broker->copy = fm_copy_new(settings->database_url);
    broker->batches = fm_batch_cache_new();
    struct fm_front front = {settings,         &broker->secrets, &broker->grant,
                             broker->store,    broker->watch,    broker->reader,
                             broker->dispatch, broker->copy,     broker->batches};
    return fm_request_open(&front, &broker->http, err);
}

/* Open's order, reversed. */
static void close_rooms(struct broker *broker)
{
    fm_http_close(&broker->http);
    fm_batch_cache_destroy(&broker->batches);
    fm_copy_destroy(&broker->copy);
    fm_retention_destroy(&broker->retention);
    fm_dispatch_destroy(&broker->dispatch);
    fm_reader_destroy(&broker->reader);
    fm_watch_destroy(&broker->watch);
    fm_memory_release(&broker->grant.store_origin);
    fm_store_destroy(&broker->store);
}

/* Threads made after this wait for no signal: the main thread alone does. */
static void wait_for_signal(const sigset_t *signals)
{
    int got = 0;
    sigwait(signals, &got);
    fm_log(FM_LOG_INFO, "stopping", "signal=%d", got);
}

static bool serve(struct broker *broker, struct fm_error *err)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    bool ok = open_rooms(broker, err);
    if (ok) {
        fm_log(FM_LOG_INFO, "ready", "listen=%s link=%s", broker->settings.listen,
               broker->settings.link_listen);
        wait_for_signal(&signals);
    }
    close_rooms(broker);
    return ok;
}

static void help(void)
{
    FM_AUTO(fm_text_done) struct fm_text settings = {0};
    fm_settings_help(fm_broker_settings_table, fm_broker_settings_count, &settings);
    printf("fetchmedia-broker [settings] [command]\nWithout a command it serves. "
           "Commands:\n%s\nSettings:\n%s",
           fm_admin_usage, fm_text_get(&settings));
}

/* DATABASE_URL, everybody's name for it, counts where FETCHMEDIA_DATABASE_URL is not set. */
static void default_database(struct fm_broker_settings *settings)
{
    const char *url = getenv("DATABASE_URL");
    if (settings->database_url[0] || !url)
        return;
    fm_memory_release(&settings->database_url);
    settings->database_url = fm_strdup(url);
}

static bool load(struct broker *broker, struct fm_settings_words *words, struct fm_error *err)
{
    if (!fm_settings_load(fm_broker_settings_table, fm_broker_settings_count, &broker->settings,
                          getenv("FETCHMEDIA_CONFIG"), words, err))
        return false;
    default_database(&broker->settings);
    enum fm_log_level level;
    if (!fm_log_level_by_name(broker->settings.log_level, &level))
        return fm_fail(err, FM_SETTING, "log_level: debug, info, warning or error");
    fm_log_open("broker", level);
    return true;
}

int main(int argc, char **argv)
{
    struct broker broker = {0};
    struct fm_error err = {0};
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof *rest);
    struct fm_settings_words words = {argc, argv, rest, 0};
    prctl(PR_SET_DUMPABLE, 0);
    bool ok = load(&broker, &words, &err);
    if (ok && words.rest_count == 1 && strcmp(rest[0], "--help") == 0) {
        help();
        fm_settings_done(fm_broker_settings_table, fm_broker_settings_count, &broker.settings);
        return EXIT_SUCCESS;
    }
    ok = ok && fm_secrets_load(broker.settings.secrets_dir, &broker.secrets, &err);
    ok = ok && (words.rest_count
                    ? fm_admin_run(&broker.settings, &broker.secrets, rest, words.rest_count, &err)
                    : serve(&broker, &err));
    if (!ok)
        fm_log_failure("broker", &err);
    fm_secrets_done(&broker.secrets);
    fm_settings_done(fm_broker_settings_table, fm_broker_settings_count, &broker.settings);
    if (ok)
        return EXIT_SUCCESS;
    return err.code == FM_SETTING || err.code == FM_INVALID_REQUEST ? EXIT_USAGE : EXIT_FAILURE;
}
