#include "tests/integration/postgres.h"

/* cmocka.h needs these headers before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memory.h"
#include "sql/sql.h"

#define START_MS 30000
#define ASK_MS 10000

static const char *owner_name(void)
{
    return getuid() == 0 ? "postgres" : getpwuid(getuid())->pw_name;
}

/* Sets PDEATHSIG after the change of user, because that change clears it. */
static void become_owner(pid_t parent)
{
    const struct passwd *owner = getpwnam(owner_name());
    bool is_ready = getuid() != 0 || (initgroups(owner->pw_name, owner->pw_gid) == 0 &&
                                      setgid(owner->pw_gid) == 0 && setuid(owner->pw_uid) == 0);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (!is_ready || getppid() != parent || chdir("/") != 0) {
        _exit(126);
    }
}

static pid_t run_as_owner(const struct postgres *postgres, char *const *arguments)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    char log[128];
    snprintf(log, sizeof(log), "%s/log", postgres->folder);
    become_owner(parent);
    int fd = open(log, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    unsetenv("LANG");
    setenv("LC_ALL", "C", 1);
    execv(arguments[0], arguments);
    _exit(127);
}

static void make_folder(struct postgres *postgres)
{
    const struct passwd *owner = getpwnam(owner_name());
    assert_non_null(owner);
    strcpy(postgres->folder, "/tmp/fm-pg-XXXXXX");
    assert_non_null(mkdtemp(postgres->folder));
    assert_int_equal(chown(postgres->folder, owner->pw_uid, owner->pw_gid), 0);
}

static void init_cluster(struct postgres *postgres)
{
    char data[128];
    snprintf(data, sizeof(data), "%s/data", postgres->folder);
    char *arguments[] = {strdup(FM_PG_BIN "/initdb"),
                         strdup("-D"),
                         data,
                         strdup("--no-sync"),
                         strdup("--locale=C"),
                         strdup("--encoding=UTF8"),
                         strdup("--auth=trust"),
                         strdup("-U"),
                         strdup("fm"),
                         NULL};
    int status = 0;
    pid_t pid = run_as_owner(postgres, arguments);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (size_t i = 0; i + 1 < FM_COUNT(arguments); i++) {
        if (arguments[i] != data) {
            free(arguments[i]);
        }
    }
    assert_int_equal(status, 0);
}

void postgres_again(struct postgres *postgres)
{
    static const char *const settings[] = {
        "listen_addresses=",           "fsync=off",
        "max_connections=40",          "shared_buffers=32MB",
        "autovacuum_naptime=1s",       "deadlock_timeout=100ms",
        "max_prepared_transactions=0",
    };
    char data[128], *arguments[6 + 2 * FM_COUNT(settings)] = {0};
    size_t count = 0;
    snprintf(data, sizeof(data), "%s/data", postgres->folder);
    arguments[count++] = strdup(FM_PG_BIN "/postgres");
    arguments[count++] = strdup("-D");
    arguments[count++] = strdup(data);
    arguments[count++] = strdup("-k");
    arguments[count++] = strdup(postgres->folder);
    for (size_t i = 0; i < FM_COUNT(settings); i++) {
        arguments[count++] = strdup("-c");
        arguments[count++] = strdup(settings[i]);
    }
    if (getenv("FM_PG_FSYNC") != NULL) {
        free(arguments[8]);
        arguments[8] = strdup("fsync=on");
    }
    postgres->pid = run_as_owner(postgres, arguments);
    if (postgres->db != NULL) {
        fm_db_drop(postgres->db);
    }
    for (size_t i = 0; i < count; i++) {
        free(arguments[i]);
    }
}

static void reconnect(struct postgres *postgres, const char *database)
{
    struct fm_error err = {0};
    fm_db_close(&postgres->db);
    snprintf(postgres->url, sizeof(postgres->url), "postgresql:///%s?host=%s&user=fm", database,
             postgres->folder);
    if (!fm_db_open(postgres->url, FM_DB_ADMIN, fm_clock_ms() + START_MS, &postgres->db, &err)) {
        fail_msg("%s", err.detail);
    }
}

void postgres_run(struct postgres *postgres, const char *sql)
{
    struct fm_error err = {0};
    if (!fm_db_run(postgres->db, sql, NULL, 0, fm_clock_ms() + ASK_MS, NULL, &err)) {
        fail_msg("%s: %s", sql, err.detail);
    }
}

void postgres_start(struct postgres *postgres)
{
    memset(postgres, 0, sizeof(*postgres));
    make_folder(postgres);
    init_cluster(postgres);
    postgres_again(postgres);
    reconnect(postgres, "postgres");
    postgres_run(postgres, "CREATE DATABASE fetchmedia");
    reconnect(postgres, "fetchmedia");
    for (size_t i = 0; i < fm_sql_migration_count; i++) {
        postgres_run(postgres, fm_sql_migrations[i].text);
    }
}

static void end_server(struct postgres *postgres, int signal)
{
    int status = 0;
    kill(postgres->pid, signal);
    waitpid(postgres->pid, &status, 0);
    postgres->pid = 0;
}

void postgres_crash(struct postgres *postgres)
{
    end_server(postgres, SIGQUIT);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

void postgres_stop(struct postgres *postgres)
{
    fm_db_close(&postgres->db);
    if (postgres->pid > 0) {
        end_server(postgres, SIGQUIT);
    }
    if (postgres->folder[0] != '\0') {
        nftw(postgres->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

long long postgres_ask(struct postgres *postgres, const char *format, ...)
{
    /* In a transaction pg_stat_activity stays as it was at its first use, unless it is cleared. */
    char sql[1024] = "SELECT pg_stat_clear_snapshot(); ";
    size_t length = strlen(sql);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql + length, sizeof(sql) - length, format, arguments);
    va_end(arguments);
    struct fm_db_rows *rows = NULL;
    struct fm_error err = {0};
    if (!fm_db_run(postgres->db, sql, NULL, 0, fm_clock_ms() + ASK_MS, &rows, &err)) {
        fail_msg("%s: %s", sql, err.detail);
    }
    assert_true(fm_db_rows_count(rows) > 0);
    long long value = fm_db_integer(rows, 0, 0);
    if (fm_db_text(rows, 0, 0)[0] == 't') {
        value = 1;
    }
    fm_db_rows_destroy(&rows);
    return value;
}

void postgres_empty(struct postgres *postgres)
{
    postgres_run(postgres, "TRUNCATE live, job, done, file, session, node, api_key, account");
}

size_t postgres_audit(struct postgres *postgres)
{
    struct fm_db_rows *rows = NULL;
    struct fm_error err = {0};
    if (!fm_db_run(postgres->db, fm_sql_queue_audit, NULL, 0, fm_clock_ms() + ASK_MS, &rows,
                   &err)) {
        fail_msg("audit: %s", err.detail);
    }
    size_t count = fm_db_rows_count(rows);
    for (size_t i = 0; i < count; i++) {
        print_error("audit: %s %s\n", fm_db_text(rows, i, 0), fm_db_text(rows, i, 1));
    }
    fm_db_rows_destroy(&rows);
    return count;
}
