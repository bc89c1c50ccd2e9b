/*
 * The cluster with PostgreSQL's own programs (initdb, postgres, pg_isready, psql), run as the
 * user postgres: see cluster.h. The CLI links no database library.
 */
#include "cli/cluster.h"

#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/spawn.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"

#define START_PATIENCE_MS 60000
#define POLL_MS 50

/* The directory of the newest server's programs, malloc'ed, or NULL. glob sorts by name, so
 * "newest" holds among versions with two digits, which are all that the broker supports. */
static char *server_directory(void)
{
    glob_t found = {0};
    char *directory = NULL;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0 && found.gl_pathc > 0) {
        directory = fm_strdup(found.gl_pathv[found.gl_pathc - 1]);
        *strrchr(directory, '/') = '\0';
    }
    globfree(&found);
    return directory;
}

static bool find_program(const char *name, struct fm_text *path, struct fm_error *err)
{
    FM_AUTO_FREE char *directory = server_directory();
    if (!directory) {
        return fm_fail(err, FM_SETTING, "PostgreSQL is not installed: apt-get install postgresql");
    }
    fm_text_format(path, "%s/%s", directory, name);
    return true;
}

/* `pg` is filled by a single rename of a complete cluster, so one file in it proves the rest. */
static bool cluster_exists(const struct fm_state_dir *state_dir)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "pg/PG_VERSION");
    return access(path, F_OK) == 0;
}

/* ---- configuration ---- */

static const char settings[] =
    "listen_addresses = ''\n"
    "unix_socket_directories = '%s/pg'\n"
    "unix_socket_permissions = 0777\n" /* the socket's directory (0750) limits access */
    "max_connections = 60\n"
    "shared_buffers = 256MB\n"
    "max_wal_size = 2GB\n"
    "wal_compression = on\n"
    "jit = off\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n"
    "log_min_messages = warning\n";

/* The only way in is the Unix socket, with the peer's system user mapped by ident_map(). */
static const char access_rules[] = "local all all peer map=fetchmedia\n";

static bool write_below(const struct fm_state_dir *state_dir, const char *name, const char *text,
                        struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, name);
    if (!fm_file_write(path, 0600, fm_slice_of(text), err)) {
        return false;
    }
    return chown(path, state_dir->postgres.uid, state_dir->postgres.gid) == 0 ||
           fm_fail_errno(err, name);
}

/* Which system user may connect as which role (pg_ident.conf). The workers' user has no line,
 * so it cannot connect at all; the broker's may not become the superuser. */
static void ident_map(const struct fm_state_dir *state_dir, struct fm_text *text)
{
    const struct passwd *self = getpwuid(geteuid());
    const char *names[] = {self ? self->pw_name : "nobody", state_dir->postgres.name,
                           state_dir->broker.name};
    static const char *const roles[] = {"postgres", "fetchmedia"};
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        for (size_t j = 0; names[i] && j < FM_COUNT(roles); j++) {
            if (i < 2 || j == 1) { /* the broker's user: its own role only */
                fm_text_format(text, "fetchmedia %s %s\n", names[i], roles[j]);
            }
        }
    }
}

/* Rewritten on every start, so that a newer release's settings apply to an older cluster. */
static bool write_configuration(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0}, map = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fm_text_format(&text, settings, state_dir->sockets);
#pragma GCC diagnostic pop
    ident_map(state_dir, &map);
    return write_below(state_dir, "pg/fetchmedia.conf", fm_text_get(&text), err) &&
           write_below(state_dir, "pg/pg_hba.conf", access_rules, err) &&
           write_below(state_dir, "pg/pg_ident.conf", fm_text_get(&map), err);
}

static bool include_settings(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "pg.new/postgresql.conf");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (!fm_file_read(path, 1 << 20, &text, err)) {
        return false;
    }
    fm_text_append(&text, "include = 'fetchmedia.conf'\n");
    return write_below(state_dir, "pg.new/postgresql.conf", fm_text_get(&text), err);
}

/* ---- making ---- */

/* initdb needs an empty directory: remove what an interrupted run left there. */
static bool make_empty(const struct fm_state_dir *state_dir, const char *path, struct fm_error *err)
{
    if (!fm_file_remove_tree(AT_FDCWD, path, err)) {
        return false;
    }
    return (mkdir(path, 0700) == 0 &&
            chown(path, state_dir->postgres.uid, state_dir->postgres.gid) == 0) ||
           fm_fail_errno(err, path);
}

static bool run_initdb(const struct fm_state_dir *state_dir, const char *directory,
                       struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text initdb = {0};
    if (!find_program("initdb", &initdb, err)) {
        return false;
    }
    const char *const argv[] = {fm_text_get(&initdb),  "--pgdata",         directory,
                                "--username=postgres", "--auth=peer",      "--locale=C",
                                "--encoding=UTF8",     "--data-checksums", NULL};
    return fm_spawn_run(argv, NULL, &state_dir->postgres, NULL, err);
}

/* Everything below `fresh` has been fsynced by initdb and fm_file_write, so the rename and an fsync
 * of the parent directory are enough. `pg` exists and is empty, which rename(2) replaces. */
static bool rename_cluster(const struct fm_state_dir *state_dir, const char *fresh,
                           struct fm_error *err)
{
    FM_AUTO_FREE char *final = fm_state_dir_path(state_dir, "pg");
    if (rename(fresh, final) != 0) {
        return fm_fail_errno(err, final);
    }
    FM_AUTO(fm_file_close) int fd = open(state_dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || fm_fail_errno(err, state_dir->path);
}

bool fm_cluster_make(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO_FREE char *fresh = fm_state_dir_path(state_dir, "pg.new");
    bool is_ready = cluster_exists(state_dir) ||
                    (make_empty(state_dir, fresh, err) && run_initdb(state_dir, fresh, err) &&
                     include_settings(state_dir, err) && rename_cluster(state_dir, fresh, err));
    return is_ready && write_configuration(state_dir, err);
}

/* ---- run ---- */

bool fm_cluster_start(const struct fm_state_dir *state_dir, pid_t *pid, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text postgres = {0};
    FM_AUTO_FREE char *directory = fm_state_dir_path(state_dir, "pg");
    FM_AUTO_FREE char *log = fm_state_dir_path(state_dir, "log/postgres.log");
    if (!find_program("postgres", &postgres, err)) {
        return false;
    }
    const char *const argv[] = {fm_text_get(&postgres), "-D", directory, NULL};
    struct fm_spawn process = {.argv = argv,
                               .user = &state_dir->postgres,
                               .log_path = log,
                               .death_signal = SIGQUIT,
                               .output = -1};
    return fm_spawn_start(&process, pid, err);
}

static bool run_psql(const struct fm_state_dir *state_dir, const char *database, const char *sql,
                     struct fm_text *out, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text host = {0};
    fm_text_format(&host, "%s/pg", state_dir->sockets);
    const char *const argv[] = {"psql", "-X",       "-q", "-A",     "-t", "-h", fm_text_get(&host),
                                "-U",   "postgres", "-d", database, "-c", sql,  NULL};
    return fm_spawn_run(argv, NULL, &state_dir->postgres, out, err);
}

/* Whether the query returns a row that begins with 1; false with `err` when psql fails. */
static bool has_row(const struct fm_state_dir *state_dir, const char *sql, bool *is_found,
                    struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    bool ok = run_psql(state_dir, "postgres", sql, &out, err);
    *is_found = ok && fm_text_get(&out)[0] == '1';
    return ok;
}

static bool make_database(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    bool has_role, database;
    if (!has_row(state_dir, "SELECT 1 FROM pg_roles WHERE rolname = 'fetchmedia'", &has_role,
                 err) ||
        !has_row(state_dir, "SELECT 1 FROM pg_database WHERE datname = 'fetchmedia'", &database,
                 err)) {
        return false;
    }
    return (has_role ||
            run_psql(state_dir, "postgres", "CREATE ROLE fetchmedia LOGIN", NULL, err)) &&
           (database || run_psql(state_dir, "postgres",
                                 "CREATE DATABASE fetchmedia OWNER fetchmedia", NULL, err));
}

bool fm_cluster_ready(const struct fm_state_dir *state_dir, pid_t pid, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text host = {0}, ready = {0};
    fm_text_format(&host, "%s/pg", state_dir->sockets);
    if (!find_program("pg_isready", &ready, err)) {
        return false;
    }
    const char *const argv[] = {
        fm_text_get(&ready), "-q", "-h", fm_text_get(&host), "-U", "postgres", "-d",
        "postgres",          NULL};
    int64_t until_ms = fm_clock_ms() + START_PATIENCE_MS;
    while (!fm_spawn_run(argv, NULL, &state_dir->postgres, NULL, NULL)) {
        siginfo_t info = {0}; /* WNOWAIT: the caller reaps the server */
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == pid) {
            return fm_fail(err, FM_SYSTEM, "PostgreSQL ended while starting: see log/postgres.log");
        }
        if (fm_clock_ms() > until_ms) {
            return fm_fail(err, FM_SYSTEM, "PostgreSQL does not answer: see log/postgres.log");
        }
        usleep(POLL_MS * 1000);
    }
    return make_database(state_dir, err);
}

char *fm_cluster_url(const struct fm_state_dir *state_dir)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    fm_text_format(&url, "host=%s/pg user=fetchmedia dbname=fetchmedia", state_dir->sockets);
    return fm_text_take(&url);
}
