/*
 * The cluster with PostgreSQL's own programs (initdb, postgres, pg_isready, psql), run as the user
 * postgres: see cluster.h. The CLI links no database library.
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
#define ASK_EVERY_MS 50

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

static bool program(const char *name, struct fm_text *path, struct fm_error *err)
{
    FM_AUTO_FREE char *directory = server_directory();
    if (!directory) {
        return fm_fail(err, FM_SETTING, "PostgreSQL is not installed: apt-get install postgresql");
    }
    fm_text_format(path, "%s/%s", directory, name);
    return true;
}

/* `pg` is filled by a single rename of a complete cluster, so one file in it proves the rest. */
static bool is_made(const struct fm_state_dir *place)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(place, "pg/PG_VERSION");
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

static bool write_below(const struct fm_state_dir *place, const char *name, const char *text,
                        struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(place, name);
    if (!fm_file_write(path, 0600, fm_slice_of(text), err)) {
        return false;
    }
    return chown(path, place->postgres.uid, place->postgres.gid) == 0 || fm_fail_errno(err, name);
}

/* Which system user may connect as which role (pg_ident.conf). The workers' user has no line, so it
 * cannot connect at all; the broker's may not become the superuser. */
static void ident_map(const struct fm_state_dir *place, struct fm_text *text)
{
    const struct passwd *self = getpwuid(geteuid());
    const char *names[] = {self ? self->pw_name : "nobody", place->postgres.name,
                           place->broker.name};
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
static bool configure(const struct fm_state_dir *place, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0}, map = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fm_text_format(&text, settings, place->sockets);
#pragma GCC diagnostic pop
    ident_map(place, &map);
    return write_below(place, "pg/fetchmedia.conf", fm_text_get(&text), err) &&
           write_below(place, "pg/pg_hba.conf", access_rules, err) &&
           write_below(place, "pg/pg_ident.conf", fm_text_get(&map), err);
}

static bool include_settings(const struct fm_state_dir *place, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(place, "pg.new/postgresql.conf");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (!fm_file_read(path, 1 << 20, &text, err)) {
        return false;
    }
    fm_text_append(&text, "include = 'fetchmedia.conf'\n");
    return write_below(place, "pg.new/postgresql.conf", fm_text_get(&text), err);
}

/* ---- making ---- */

/* initdb needs an empty directory: remove what an interrupted run left there. */
static bool make_empty(const struct fm_state_dir *place, const char *path, struct fm_error *err)
{
    if (!fm_file_remove_tree(AT_FDCWD, path, err)) {
        return false;
    }
    return (mkdir(path, 0700) == 0 && chown(path, place->postgres.uid, place->postgres.gid) == 0) ||
           fm_fail_errno(err, path);
}

static bool run_initdb(const struct fm_state_dir *place, const char *directory,
                       struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text initdb = {0};
    if (!program("initdb", &initdb, err)) {
        return false;
    }
    const char *const argv[] = {fm_text_get(&initdb),  "--pgdata",         directory,
                                "--username=postgres", "--auth=peer",      "--locale=C",
                                "--encoding=UTF8",     "--data-checksums", NULL};
    return fm_spawn_run(argv, NULL, &place->postgres, NULL, err);
}

/* Everything below `fresh` has been fsynced by initdb and fm_file_write, so the rename and an fsync
 * of the parent directory are enough. `pg` exists and is empty, which rename(2) replaces. */
static bool move_in(const struct fm_state_dir *place, const char *fresh, struct fm_error *err)
{
    FM_AUTO_FREE char *final = fm_state_dir_path(place, "pg");
    if (rename(fresh, final) != 0) {
        return fm_fail_errno(err, final);
    }
    FM_AUTO(fm_file_close) int fd = open(place->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || fm_fail_errno(err, place->state);
}

bool fm_cluster_make(const struct fm_state_dir *place, struct fm_error *err)
{
    FM_AUTO_FREE char *fresh = fm_state_dir_path(place, "pg.new");
    bool is_ready =
        is_made(place) || (make_empty(place, fresh, err) && run_initdb(place, fresh, err) &&
                           include_settings(place, err) && move_in(place, fresh, err));
    return is_ready && configure(place, err);
}

/* ---- run ---- */

bool fm_cluster_start(const struct fm_state_dir *place, pid_t *pid, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text postgres = {0};
    FM_AUTO_FREE char *directory = fm_state_dir_path(place, "pg");
    FM_AUTO_FREE char *log = fm_state_dir_path(place, "log/postgres.log");
    if (!program("postgres", &postgres, err)) {
        return false;
    }
    const char *const argv[] = {fm_text_get(&postgres), "-D", directory, NULL};
    struct fm_spawn process = {.argv = argv,
                               .user = &place->postgres,
                               .log_path = log,
                               .death_signal = SIGQUIT,
                               .output = -1};
    return fm_spawn_start(&process, pid, err);
}

static bool psql(const struct fm_state_dir *place, const char *database, const char *sql,
                 struct fm_text *out, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text host = {0};
    fm_text_format(&host, "%s/pg", place->sockets);
    const char *const argv[] = {"psql", "-X",       "-q", "-A",     "-t", "-h", fm_text_get(&host),
                                "-U",   "postgres", "-d", database, "-c", sql,  NULL};
    return fm_spawn_run(argv, NULL, &place->postgres, out, err);
}

/* Whether the query returns a row that begins with 1; false with `err` when psql fails. */
static bool is_there(const struct fm_state_dir *place, const char *sql, bool *there,
                     struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    bool ok = psql(place, "postgres", sql, &out, err);
    *there = ok && fm_text_get(&out)[0] == '1';
    return ok;
}

static bool make_database(const struct fm_state_dir *place, struct fm_error *err)
{
    bool role, database;
    if (!is_there(place, "SELECT 1 FROM pg_roles WHERE rolname = 'fetchmedia'", &role, err) ||
        !is_there(place, "SELECT 1 FROM pg_database WHERE datname = 'fetchmedia'", &database,
                  err)) {
        return false;
    }
    return (role || psql(place, "postgres", "CREATE ROLE fetchmedia LOGIN", NULL, err)) &&
           (database ||
            psql(place, "postgres", "CREATE DATABASE fetchmedia OWNER fetchmedia", NULL, err));
}

bool fm_cluster_ready(const struct fm_state_dir *place, pid_t pid, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text host = {0}, ready = {0};
    fm_text_format(&host, "%s/pg", place->sockets);
    if (!program("pg_isready", &ready, err)) {
        return false;
    }
    const char *const argv[] = {
        fm_text_get(&ready), "-q", "-h", fm_text_get(&host), "-U", "postgres", "-d",
        "postgres",          NULL};
    int64_t until_ms = fm_clock_ms() + START_PATIENCE_MS;
    while (!fm_spawn_run(argv, NULL, &place->postgres, NULL, NULL)) {
        siginfo_t info = {0}; /* WNOWAIT: the caller reaps the server */
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == pid) {
            return fm_fail(err, FM_SYSTEM, "PostgreSQL ended at its start: see log/postgres.log");
        }
        if (fm_clock_ms() > until_ms) {
            return fm_fail(err, FM_SYSTEM, "PostgreSQL does not answer: see log/postgres.log");
        }
        usleep(ASK_EVERY_MS * 1000);
    }
    return make_database(place, err);
}

char *fm_cluster_url(const struct fm_state_dir *place)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    fm_text_format(&url, "host=%s/pg user=fetchmedia dbname=fetchmedia", place->sockets);
    return fm_text_take(&url);
}
