/*
 * The checks of `doctor`: see examine.h. The table at the end lists them from the machine up to the
 * stack, because a later fault often follows from an earlier one. A check that needs a program runs
 * it with spawn.c.
 */
#include "cli/examine.h"

#include <glob.h>
#include <limits.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/port.h"
#include "cli/running.h"
#include "cli/spawn.h"
#include "common/file.h"
#include "common/memory.h"

#define OLDEST_POSTGRES_VERSION 15 /* the oldest major version supported */
#define LOW_BYTES 2000000000ULL    /* below this much free space: a note */
#define FEW_FILES 4096             /* below this limit of open files: a note */

/* Sets the fix, that is, what to type; returns FM_EXAMINE_BAD. */
static enum fm_examine_verdict fail_check(struct fm_examine *examine, const char *fix)
{
    fm_text_append(&examine->fix, fix);
    return FM_EXAMINE_BAD;
}

/* ---- this machine ---- */

static enum fm_examine_verdict check_system(struct fm_examine *examine)
{
    struct utsname system;
    uname(&system);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    fm_text_format(&examine->detail, "Linux %s, %ld cores, %.1f GB of memory", system.release,
                   sysconf(_SC_NPROCESSORS_ONLN), (double)pages * (double)page / 1e9);
    return FM_EXAMINE_OK;
}

static enum fm_examine_verdict check_limits(struct fm_examine *examine)
{
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    fm_text_format(&examine->detail, "up to %llu open files", (unsigned long long)files.rlim_max);
    if (files.rlim_max >= FEW_FILES) {
        return FM_EXAMINE_OK;
    }
    fm_text_append(&examine->fix, "run ulimit -Hn 65536, or set LimitNOFILE=65536 in the unit");
    return FM_EXAMINE_NOTE;
}

/* ---- our programs, and the sandbox ---- */

/* The path of a program in this program's directory, from which `up` copies it. */
static void program_beside(const char *name, struct fm_text *path)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    fm_text_format(path, "%.*s%s", slash != NULL ? (int)(slash - self) + 1 : 0, self, name);
}

static enum fm_examine_verdict check_programs(struct fm_examine *examine)
{
    static const char *const names[] = {"fetchmedia-broker", "fetchmedia-worker",
                                        "fetchmedia-transfer", "fetchmedia-media"};
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        FM_AUTO(fm_text_done) struct fm_text path = {0};
        program_beside(names[i], &path);
        if (access(fm_text_get(&path), X_OK) != 0) {
            fm_text_format(&examine->detail, "%s is missing", fm_text_get(&path));
            return fail_check(examine, "run make, or make install");
        }
    }
    fm_text_append(&examine->detail, FM_VERSION ", all five programs are in one directory");
    return FM_EXAMINE_OK;
}

/* The worker itself tries the media child's sandbox, so what is checked is what will run. */
static enum fm_examine_verdict check_sandbox(struct fm_examine *examine)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    struct fm_error err = {0};
    program_beside("fetchmedia-worker", &path);
    const char *const argv[] = {fm_text_get(&path), "--try-seal", "--log-level", "error", NULL};
    if (!fm_spawn_run(argv, NULL, NULL, NULL, &err)) {
        fm_text_append(&examine->detail,
                       "the sandbox of the media child does not block everything that it must");
        return fail_check(examine,
                          "use a kernel with seccomp filters, and run outside any other sandbox");
    }
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    fm_text_append(&examine->detail, "the media child is sandboxed by seccomp");
    if (abi > 0) {
        fm_text_format(&examine->detail, " and Landlock (ABI %ld)", abi);
    }
    return FM_EXAMINE_OK;
}

/* ---- PostgreSQL ---- */

static enum fm_examine_verdict check_postgres(struct fm_examine *examine)
{
    if (getenv("DATABASE_URL") != NULL || getenv("FETCHMEDIA_DATABASE_URL") != NULL) {
        fm_text_append(&examine->detail, "the server that DATABASE_URL names");
        return FM_EXAMINE_OK;
    }
    glob_t found = {0};
    int newest = 0;
    if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0 && found.gl_pathc > 0) {
        newest = atoi(found.gl_pathv[found.gl_pathc - 1] + strlen("/usr/lib/postgresql/"));
    }
    globfree(&found);
    if (newest == 0) {
        fm_text_append(&examine->detail, "not installed");
        return fail_check(examine, "apt-get install postgresql");
    }
    fm_text_format(&examine->detail, "version %d", newest);
    return newest >= OLDEST_POSTGRES_VERSION
               ? FM_EXAMINE_OK
               : fail_check(examine, "install PostgreSQL 15 or newer");
}

/* ---- the stack ---- */

static enum fm_examine_verdict check_stack(struct fm_examine *examine)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    unsigned workers = 0;
    if (examine->running == NULL) {
        fm_text_format(&examine->detail, "not running in %s", examine->state_dir->path);
        fm_text_append(&examine->fix, "fetchmedia up --detach");
        return FM_EXAMINE_NOTE;
    }
    FM_AUTO_FREE char *operator_url = fm_running_operator(examine->running);
    fm_text_format(&examine->detail, "running at %s",
                   fm_json_text(fm_json_get(examine->running, "base_url")));
    if (fm_running_is_ready(operator_url, &workers, &body)) {
        return FM_EXAMINE_OK;
    }
    if (body.length == 0) {
        fm_text_format(&examine->detail, ", but its broker does not answer at %s", operator_url);
    } else {
        fm_text_format(&examine->detail, ", not ready: %s", fm_text_get(&body));
    }
    fm_text_format(&examine->fix,
                   "read the logs in %s/log, then run fetchmedia down; fetchmedia up --detach",
                   examine->state_dir->path);
    return FM_EXAMINE_BAD;
}

/* A running stack holds its own ports, so they are tried only when none runs. */
static enum fm_examine_verdict check_ports(struct fm_examine *examine)
{
    struct fm_state_dir_ports ports = {0};
    if (!fm_state_dir_read_ports(examine->state_dir, &ports)) {
        fm_text_append(&examine->detail, "chosen by the first fetchmedia up");
        return FM_EXAMINE_OK;
    }
    fm_text_format(&examine->detail, "%s and %s", ports.listen, ports.link);
    bool are_free_or_ours = examine->running != NULL ||
                            (fm_port_try(ports.listen, NULL) && fm_port_try(ports.link, NULL));
    fm_state_dir_ports_done(&ports);
    if (are_free_or_ours) {
        return FM_EXAMINE_OK;
    }
    fm_text_append(&examine->detail, "; another program uses one of them");
    fm_text_format(&examine->fix, "stop that program, or run fetchmedia up --listen HOST:PORT");
    return FM_EXAMINE_BAD;
}

/* ---- disk space ---- */

/* The file system of `path`, or of its nearest parent that exists: before the first `up` there is
 * no state directory. */
static bool read_file_system(const char *path, struct statvfs *space)
{
    FM_AUTO_FREE char *at = fm_strdup(path);
    while (statvfs(at, space) != 0) {
        char *slash = strrchr(at, '/');
        if (slash == NULL || slash == at) {
            return statvfs("/", space) == 0;
        }
        *slash = '\0';
    }
    return true;
}

/* Whether user `name` can write to `path`, which exists. Tried as that user for root, because root
 * itself can write anywhere; else as the current user, who then runs everything. */
static bool can_write(const struct fm_state_dir *state_dir, const char *path, const char *name)
{
    const struct passwd *entry = state_dir->is_root ? getpwnam(name) : NULL;
    FM_AUTO_FREE char *copy = entry != NULL ? fm_strdup(name) : NULL;
    const char *const argv[] = {"test", "-w", path, NULL};
    struct fm_error err = {0};
    struct fm_state_dir_user user = {copy, geteuid(), getegid()};
    if (entry != NULL) {
        user.uid = entry->pw_uid;
        user.gid = entry->pw_gid;
    }
    return fm_spawn_run(argv, NULL, &user, NULL, &err);
}

/* Free space for a directory of the stack; it may be a mount point of its own. */
static enum fm_examine_verdict check_space(struct fm_examine *examine, const char *name)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(examine->state_dir, name);
    struct statvfs space = {0};
    if (!read_file_system(path, &space)) {
        fm_text_format(&examine->detail, "the free space for %s cannot be read", path);
        return FM_EXAMINE_BAD;
    }
    unsigned long long free_bytes = (unsigned long long)space.f_bavail * space.f_frsize;
    fm_text_format(&examine->detail, "%.1f GB free for %s", (double)free_bytes / 1e9, path);
    if ((space.f_flag & ST_RDONLY) != 0) {
        fm_text_append(&examine->detail, ", which is read-only");
        return FM_EXAMINE_BAD;
    }
    return free_bytes >= LOW_BYTES ? FM_EXAMINE_OK : FM_EXAMINE_NOTE;
}

static enum fm_examine_verdict check_store(struct fm_examine *examine)
{
    FM_AUTO_FREE char *store = fm_state_dir_path(examine->state_dir, "store");
    enum fm_examine_verdict store_verdict = check_space(examine, "store");
    fm_text_append(&examine->detail, "; ");
    enum fm_examine_verdict work_verdict = check_space(examine, "work");
    enum fm_examine_verdict worse = store_verdict > work_verdict ? store_verdict : work_verdict;
    if (worse == FM_EXAMINE_BAD) {
        return fail_check(examine, "choose another --state-dir");
    }
    if (access(store, F_OK) == 0 && !can_write(examine->state_dir, store, "fetchmedia")) {
        fm_text_append(&examine->detail, "; the broker cannot write to its store");
        return fail_check(examine, "run fetchmedia down, then up, which restores its owner; or "
                                   "choose another --state-dir");
    }
    if (worse == FM_EXAMINE_NOTE) {
        fm_text_append(&examine->fix, "free some space, or choose another --state-dir");
    }
    return worse;
}

/* ---- the resolver ---- */

static enum fm_examine_verdict check_resolver(struct fm_examine *examine)
{
    fm_text_append(&examine->detail, "none in this version: jobs for links to sites fail with "
                                     "resolver_unavailable");
    return FM_EXAMINE_NOTE;
}

const struct fm_examine_part fm_examine_parts[] = {
    {"system", check_system},   {"limits", check_limits},     {"programs", check_programs},
    {"sandbox", check_sandbox}, {"postgres", check_postgres}, {"stack", check_stack},
    {"ports", check_ports},     {"store", check_store},       {"resolver", check_resolver},
};
const size_t fm_examine_part_count = FM_COUNT(fm_examine_parts);
