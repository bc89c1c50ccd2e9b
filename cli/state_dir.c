/*
 * Makes a stack's directories, users, ports and lock: see state_dir.h. Files below <state>: bin/
 * log/ pg/ secrets/ store/ work/N/, and account, allow, ports, up.json, up.lock. Sockets are
 * elsewhere because a Unix socket's path is limited to 107 bytes (unix(7)).
 */
#include "cli/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/port.h"
#include "cli/spawn.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/memory.h"

#define PROGRAM_LIMIT (64 << 20) /* bytes of one program file, which is read whole */
#define FIRST_PORT 8080          /* of three: API, link, metrics */

static const char *const programs[] = {"fetchmedia", "fetchmedia-broker", "fetchmedia-worker",
                                       "fetchmedia-transfer", "fetchmedia-media"};

char *fm_state_dir_path(const struct fm_state_dir *state_dir, const char *name)
{
    return fm_file_path(state_dir->path, name);
}

/* ---- names ---- */

static char *default_state(bool is_root)
{
    const char *home = getenv("HOME");
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    if (is_root) {
        fm_text_append(&path, "/var/lib/fetchmedia");
    } else {
        fm_text_format(&path, "%s/.local/state/fetchmedia", home ? home : "/tmp");
    }
    return fm_text_take(&path);
}

static char *make_absolute(const char *path)
{
    if (path[0] == '/') {
        return fm_strdup(path);
    }
    FM_AUTO_FREE char *here = realpath(".", NULL);
    FM_AUTO(fm_text_done) struct fm_text whole = {0};
    fm_text_format(&whole, "%s/%s", here ? here : "", path);
    return fm_text_take(&whole);
}

/* The parent of all socket directories of a user. In /tmp any user can create any name, so the path
 * holds the user's id, and make_shared() refuses a directory that another user made. */
static void shared_directory(bool is_root, struct fm_text *path)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (is_root) {
        fm_text_append(path, "/run/fetchmedia");
    } else if (runtime && runtime[0] == '/') {
        fm_text_format(path, "%s/fetchmedia", runtime);
    } else {
        fm_text_format(path, "/tmp/fetchmedia-%u", (unsigned)geteuid());
    }
}

/* Named by a hash of the state path, so that each state directory has sockets of its own. */
static char *socket_directory(const char *state, bool is_root)
{
    uint8_t digest[FM_HASH_SIZE];
    char hex[9];
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_hash_sha256(state, strlen(state), digest);
    fm_hash_to_hex(digest, 4, hex);
    shared_directory(is_root, &path);
    fm_text_format(&path, "/%s", hex);
    return fm_text_take(&path);
}

bool fm_state_dir_find(const char *given, struct fm_state_dir *state_dir, struct fm_error *err)
{
    *state_dir = (struct fm_state_dir){.is_root = geteuid() == 0};
    FM_AUTO_FREE char *path = given ? fm_strdup(given) : default_state(state_dir->is_root);
    state_dir->path = make_absolute(path);
    size_t length = strlen(state_dir->path);
    while (length > 1 && state_dir->path[length - 1] == '/') {
        state_dir->path[--length] = '\0';
    }
    state_dir->sockets = socket_directory(state_dir->path, state_dir->is_root);
    state_dir->postgres.uid = state_dir->broker.uid = state_dir->work.uid = geteuid();
    state_dir->postgres.gid = state_dir->broker.gid = state_dir->work.gid = getegid();
    /* Leaves room for "/pg/.s.PGSQL.5432" within those 107 bytes. */
    return strlen(state_dir->sockets) < 80 ||
           fm_fail(err, FM_SETTING, "the path of the socket directory is too long");
}

static void user_done(struct fm_state_dir_user *user)
{
    fm_memory_release(&user->name);
}

void fm_state_dir_done(struct fm_state_dir *state_dir)
{
    user_done(&state_dir->postgres);
    user_done(&state_dir->broker);
    user_done(&state_dir->work);
    fm_memory_release(&state_dir->path);
    fm_memory_release(&state_dir->sockets);
}

/* ---- users (root only) ---- */

static bool look_up_user(const char *name, struct fm_state_dir_user *user)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry) {
        return false;
    }
    fm_memory_release(&user->name);
    *user = (struct fm_state_dir_user){fm_strdup(name), entry->pw_uid, entry->pw_gid};
    return true;
}

static bool make_user(const char *name, struct fm_state_dir_user *user, struct fm_error *err)
{
    const char *const argv[] = {"useradd",      "--system",
                                "--user-group", "--no-create-home",
                                "--home-dir",   "/nonexistent",
                                "--shell",      "/usr/sbin/nologin",
                                name,           NULL};
    if (look_up_user(name, user)) {
        return true;
    }
    if (!fm_spawn_run(argv, NULL, NULL, NULL, err)) {
        return false;
    }
    return look_up_user(name, user) || fm_fail(err, FM_SYSTEM, "user %s was not created", name);
}

static bool make_users(struct fm_state_dir *state_dir, struct fm_error *err)
{
    if (!state_dir->is_root) {
        return true;
    }
    if (!look_up_user("postgres", &state_dir->postgres)) {
        return fm_fail(err, FM_SETTING, "the user postgres does not exist: install postgresql");
    }
    return make_user("fetchmedia", &state_dir->broker, err) &&
           make_user("fetchmedia-work", &state_dir->work, err);
}

/* ---- directories ---- */

static bool make_directory(const char *path, uid_t uid, gid_t gid, mode_t mode,
                           struct fm_error *err)
{
    if (!fm_file_make_dirs(path, 0755, err)) {
        return false;
    }
    if (chown(path, uid, gid) != 0 || chmod(path, mode) != 0) {
        return fm_fail(err, FM_SYSTEM, "%s: %s", path, strerror(errno));
    }
    return true;
}

static bool make_below(const struct fm_state_dir *state_dir, const char *name,
                       const struct fm_state_dir_user *user, mode_t mode, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, name);
    return make_directory(path, user->uid, user->gid, mode, err);
}

/* The broker reads its secrets as its own user. If root ran the broker by hand before, the files
 * are root's and have to be given to it. Only regular files of ours with one name are: a link
 * placed there must not give the broker another file. */
static bool chown_secrets(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "secrets");
    DIR *directory = opendir(path);
    bool is_good = directory != NULL;
    for (struct dirent *entry; is_good && (entry = readdir(directory)) != NULL;) {
        FM_AUTO(fm_file_close)
        int fd =
            openat(dirfd(directory), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat status;
        bool is_ours = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                       status.st_nlink == 1 && status.st_uid == geteuid();
        is_good = !is_ours || fchown(fd, state_dir->broker.uid, state_dir->broker.gid) == 0;
    }
    if (!is_good) {
        fm_fail_errno(err, path);
    }
    if (directory) {
        closedir(directory);
    }
    return is_good;
}

static bool make_work(const struct fm_state_dir *state_dir, unsigned workers, struct fm_error *err)
{
    for (unsigned i = 1; i <= workers; i++) {
        char name[32];
        snprintf(name, sizeof name, "work/%u", i);
        if (!make_below(state_dir, name, &state_dir->work, 0700, err)) {
            return false;
        }
    }
    return true;
}

/* The directory's owner can replace our sockets, so in /tmp it must be ours alone. /run/fetchmedia
 * and $XDG_RUNTIME_DIR are in directories that no other user can write to. */
static bool make_shared(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    struct stat status;
    shared_directory(state_dir->is_root, &path);
    const char *name = fm_text_get(&path);
    if (!fm_text_starts(name, "/tmp/fetchmedia-")) {
        return true;
    }
    if ((mkdir(name, 0700) != 0 && errno != EEXIST) || lstat(name, &status) != 0) {
        return fm_fail_errno(err, name);
    }
    bool is_ours = S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
                   (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    return is_ours ||
           fm_fail(err, FM_SYSTEM,
                   "%s is not a directory that only you can access (mode 0700); remove it, or set "
                   "XDG_RUNTIME_DIR",
                   name);
}

static bool make_sockets(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "%s/pg", state_dir->sockets);
    return make_shared(state_dir, err) &&
           make_directory(state_dir->sockets, geteuid(), getegid(), 0755, err) &&
           make_directory(fm_text_get(&path), state_dir->postgres.uid, state_dir->broker.gid, 0750,
                          err);
}

/* ---- programs ---- */

/* The programs are copied, so that a rebuild does not disturb a running stack, and the stack's
 * users can execute programs whose source directory only its owner can enter. */

static bool copy_program(const char *from, const char *to, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    return fm_file_read(from, PROGRAM_LIMIT, &bytes, err) &&
           fm_file_write(to, 0755, (struct fm_slice){bytes.data, bytes.length}, err);
}

/* From the directory of this program; nothing to do when that is <state>/bin itself. */
static bool copy_programs(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return fm_fail_errno(err, "/proc/self/exe");
    }
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    FM_AUTO_FREE char *bin = fm_state_dir_path(state_dir, "bin");
    if (strcmp(self, bin) == 0) {
        return true;
    }
    for (size_t i = 0; i < FM_COUNT(programs); i++) {
        FM_AUTO(fm_text_done) struct fm_text from = {0}, to = {0};
        fm_text_format(&from, "%s/%s", self, programs[i]);
        fm_text_format(&to, "%s/%s", bin, programs[i]);
        if (!copy_program(fm_text_get(&from), fm_text_get(&to), err)) {
            return false;
        }
    }
    return true;
}

bool fm_state_dir_make(struct fm_state_dir *state_dir, unsigned workers, struct fm_error *err)
{
    struct fm_state_dir_user self = {NULL, geteuid(), getegid()};
    return make_users(state_dir, err) &&
           make_directory(state_dir->path, self.uid, self.gid, 0711, err) &&
           make_below(state_dir, "bin", &self, 0755, err) &&
           make_below(state_dir, "log", &self, 0755, err) &&
           make_below(state_dir, "pg", &state_dir->postgres, 0700, err) &&
           make_below(state_dir, "secrets", &state_dir->broker, 0700, err) &&
           chown_secrets(state_dir, err) &&
           make_below(state_dir, "store", &state_dir->broker, 0700, err) &&
           make_below(state_dir, "work", &self, 0711, err) && make_work(state_dir, workers, err) &&
           make_sockets(state_dir, err) && copy_programs(state_dir, err);
}

/* ---- ports ---- */

static bool is_free(unsigned port)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    return fm_port_try(address, NULL);
}

/* `wanted` if it is free and not `taken`, else a free port of 20000 to 31999: random, so that
 * another stack does not take it while ours is down, and below the ports that Linux gives to
 * outgoing connections (from 32768, ip(7)). */
static unsigned free_port(unsigned wanted, unsigned taken)
{
    unsigned port = wanted;
    while (port == taken || !is_free(port)) {
        port = 20000 + fm_hash_random_below(12000);
    }
    return port;
}

/* One line, "LISTEN LINK METRICS". With two addresses only, `metrics` is NULL. */
static bool read_ports(const char *path, struct fm_state_dir_ports *ports)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    char listen[128], link[128], metrics[128];
    int count = fm_file_read(path, 512, &text, NULL)
                    ? sscanf(fm_text_get(&text), "%127s %127s %127s", listen, link, metrics)
                    : 0;
    if (count < 2) {
        return false;
    }
    ports->listen = fm_strdup(listen);
    ports->link = fm_strdup(link);
    ports->metrics = count > 2 ? fm_strdup(metrics) : NULL;
    return true;
}

bool fm_state_dir_read_ports(const struct fm_state_dir *state_dir, struct fm_state_dir_ports *ports)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "ports");
    return read_ports(path, ports);
}

/* SETTING unless each address that was read holds the colon that port_of() looks for: somebody may
 * have edited the file. */
static bool check_ports(const char *path, const struct fm_state_dir_ports *ports,
                        struct fm_error *err)
{
    const char *const addresses[] = {ports->listen, ports->link, ports->metrics};
    for (size_t i = 0; i < FM_COUNT(addresses); i++) {
        if (addresses[i] && !strchr(addresses[i], ':')) {
            return fm_fail(err, FM_SETTING,
                           "%s: \"%s\" is not HOST:PORT; correct it, or remove the file to have "
                           "other ports chosen",
                           path, addresses[i]);
        }
    }
    return true;
}

/* `address` holds a colon. */
static unsigned port_of(const char *address)
{
    return (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

/* Sets *address if it is still NULL: to the port after `last` while those are the first choices,
 * else to any free port but `last` and `other`. */
static void choose_after(unsigned last, unsigned other, char **address)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (*address) {
        return;
    }
    unsigned wanted = last >= FIRST_PORT && last < FIRST_PORT + 2 ? last + 1 : last;
    do {
        fm_text_clear(&text);
        fm_text_format(&text, "127.0.0.1:%u", free_port(wanted, last));
        wanted = last; /* not free: any other */
    } while (port_of(fm_text_get(&text)) == other);
    *address = fm_text_take(&text);
}

static void choose_ports(const char *listen, struct fm_state_dir_ports *ports)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (!ports->listen) {
        fm_text_format(&text, "127.0.0.1:%u", free_port(FIRST_PORT, 0));
        ports->listen = listen ? fm_strdup(listen) : fm_text_take(&text);
    }
    choose_after(port_of(ports->listen), 0, &ports->link);
    choose_after(port_of(ports->link), port_of(ports->listen), &ports->metrics);
}

bool fm_state_dir_ports(const struct fm_state_dir *state_dir, const char *listen,
                        struct fm_state_dir_ports *ports, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "ports");
    *ports = (struct fm_state_dir_ports){0};
    if (listen && !strrchr(listen, ':')) {
        return fm_fail(err, FM_SETTING, "--listen must be HOST:PORT");
    }
    if (read_ports(path, ports) && listen) {
        fm_memory_release(&ports->listen);
        ports->listen = fm_strdup(listen);
    }
    if (!check_ports(path, ports, err)) {
        return false;
    }
    choose_ports(listen, ports);
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_format(&text, "%s %s %s\n", ports->listen, ports->link, ports->metrics);
    return fm_file_write(path, 0644, (struct fm_slice){text.data, text.length}, err);
}

void fm_state_dir_ports_done(struct fm_state_dir_ports *ports)
{
    fm_memory_release(&ports->listen);
    fm_memory_release(&ports->link);
    fm_memory_release(&ports->metrics);
}

void fm_state_dir_remove_runtime(const struct fm_state_dir *state_dir)
{
    struct fm_error err = {0};
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "up.json");
    unlink(path);
    if (!fm_file_remove_tree(AT_FDCWD, state_dir->sockets, &err)) {
        fprintf(stderr, "fetchmedia: %s\n", err.detail);
    }
}

/* ---- the lock ---- */

/* flock(2) belongs to the open descriptor: the kernel releases it when the supervisor ends, however
 * that happens, so the file is never removed and a stale one means nothing. */

pid_t fm_state_dir_owner(const struct fm_state_dir *state_dir)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "up.lock");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    return fm_file_read(path, 32, &text, NULL) ? (pid_t)strtol(fm_text_get(&text), NULL, 10) : 0;
}

bool fm_state_dir_lock(const struct fm_state_dir *state_dir, int *fd, bool *is_acquired,
                       struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "up.lock");
    *is_acquired = false;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        return fm_fail(err, FM_SYSTEM, "%s: %s", path, strerror(errno));
    }
    *is_acquired = flock(*fd, LOCK_EX | LOCK_NB) == 0;
    if (*is_acquired && (ftruncate(*fd, 0) != 0 || dprintf(*fd, "%d\n", (int)getpid()) < 0)) {
        return fm_fail_errno(err, "up.lock");
    }
    return *is_acquired || errno == EWOULDBLOCK || fm_fail_errno(err, "up.lock");
}
