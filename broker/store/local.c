/*
 * Implements store.h in a directory: account/job/lease/name. Unfinished PUTs are files of one
 * directory beside the accounts (.incoming) and are renamed to their key once size and digest are
 * proven; so what a killed broker left is found without a walk over all attempts.
 * Touches only what is below the directory, by descriptors (*at calls that follow no link). Blocks
 * on the disk. Threads: any; a put belongs to one at a time.
 */
#include "broker/store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/memory.h"

struct fm_store {
    char *directory;
    int fd;
    int incoming_fd;
};

struct fm_store_put {
    struct fm_store *store;
    struct fm_store_object object;
    int fd;
    char temporary[FM_ID_LEASE_SIZE]; /* its name in .incoming; empty once renamed to its key */
    struct fm_hash *hash;
    int64_t written_bytes;
};

static const char marker[] = ".fetchmedia-store";
static const char incoming[] = ".incoming";

/* ---- open and close ---- */

/* The marker file makes the directory a store; it is written if it is missing. */
static bool claim_directory(struct fm_store *store, struct fm_error *err)
{
    if (faccessat(store->fd, marker, F_OK, 0) == 0) {
        return true;
    }
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "%s/%s", store->directory, marker);
    return fm_file_write(fm_text_get(&path), 0600, fm_slice_of("local 1\n"), err);
}

static bool open_below(int at, const char *path, int *fd, struct fm_error *err)
{
    *fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 || fm_fail_errno(err, "store directory");
}

static bool open_incoming(struct fm_store *store, struct fm_error *err)
{
    if (mkdirat(store->fd, incoming, 0700) != 0 && errno != EEXIST) {
        return fm_fail_errno(err, "store directory");
    }
    return open_below(store->fd, incoming, &store->incoming_fd, err);
}

bool fm_store_new_local(const char *directory, struct fm_store **store, struct fm_error *err)
{
    struct fm_store *fresh = fm_alloc(sizeof *fresh);
    fresh->directory = fm_strdup(directory);
    fresh->fd = fresh->incoming_fd = -1;
    bool ok = fm_file_make_dirs(directory, 0700, err);
    if (ok) {
        fresh->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ok = fresh->fd >= 0 || fm_fail_errno(err, "store directory");
    }
    if (!ok || !claim_directory(fresh, err) || !open_incoming(fresh, err)) {
        fm_store_destroy(&fresh);
        return false;
    }
    *store = fresh;
    return true;
}

void fm_store_destroy(struct fm_store **store)
{
    if (!*store) {
        return;
    }
    fm_file_close(&(*store)->incoming_fd);
    fm_file_close(&(*store)->fd);
    fm_memory_release(&(*store)->directory);
    fm_memory_release(store);
}

/* ---- keys ---- */

static void attempt_path(const struct fm_store_object *object, struct fm_text *path)
{
    char account[FM_ID_TEXT_SIZE], job[FM_ID_TEXT_SIZE], lease[FM_ID_LEASE_SIZE];
    fm_id_format(FM_ID_ACCOUNT, &object->account, account);
    fm_id_format(FM_ID_JOB, &object->job, job);
    fm_id_format_lease(object->lease, lease);
    fm_text_format(path, "%s/%s/%s", account, job, lease);
}

/* Cuts the last level off the path; false at the top. */
static bool cut_level(struct fm_text *path)
{
    char *slash = strrchr(path->data, '/');
    if (slash) {
        *slash = '\0';
    }
    return slash != NULL;
}

/* ---- a PUT ---- */

bool fm_store_put_start(struct fm_store *store, const struct fm_store_object *object,
                        struct fm_store_put **put, struct fm_error *err)
{
    if (!fm_signed_url_is_name(object->name)) {
        return fm_fail(err, FM_INVALID_REQUEST, "store put: no name");
    }
    struct fm_store_put *fresh = fm_alloc(sizeof *fresh);
    fresh->store = store;
    fresh->object = *object;
    fresh->hash = fm_hash_new();
    fm_id_format_lease(fm_id_new_lease(), fresh->temporary);
    fresh->fd =
        openat(store->incoming_fd, fresh->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fresh->fd < 0) {
        fm_fail_errno(err, "store put");
        fm_store_put_abort(&fresh);
        return false;
    }
    *put = fresh;
    return true;
}

bool fm_store_put_write(struct fm_store_put *put, const void *bytes, size_t length,
                        struct fm_error *err)
{
    put->written_bytes += (int64_t)length;
    if (put->written_bytes > put->object.size_bytes) {
        return fm_fail(err, FM_PAYLOAD_TOO_LARGE, "store put: more bytes than the URL states");
    }
    fm_hash_update(put->hash, bytes, length);
    return fm_file_write_all(put->fd, bytes, length, err);
}

static bool matches_url(struct fm_store_put *put, struct fm_error *err)
{
    uint8_t digest[FM_HASH_SIZE];
    fm_hash_final(put->hash, digest);
    return (put->written_bytes == put->object.size_bytes &&
            fm_hash_equal(digest, put->object.sha256, sizeof digest)) ||
           fm_fail(err, FM_INVALID_REQUEST, "store put: the size or the hash differs from the URL");
}

/* Syncs the attempt's directory and those above it, since any of them may be new. */
static bool sync_levels(struct fm_store *store, struct fm_text *path, struct fm_error *err)
{
    do {
        FM_AUTO(fm_file_close) int fd = -1;
        if (!open_below(store->fd, path->data, &fd, err)) {
            return false;
        }
        if (fsync(fd) != 0) {
            return fm_fail_errno(err, "store fsync");
        }
    } while (cut_level(path));
    return fsync(store->fd) == 0 || fm_fail_errno(err, "store fsync");
}

static bool put_in_place(struct fm_store_put *put, struct fm_error *err)
{
    struct fm_store *store = put->store;
    FM_AUTO(fm_file_close) int fd = -1;
    FM_AUTO(fm_text_done) struct fm_text path = {0}, whole = {0};
    attempt_path(&put->object, &path);
    fm_text_format(&whole, "%s/%s", store->directory, fm_text_get(&path));
    if (fsync(put->fd) != 0) {
        return fm_fail_errno(err, "store fsync");
    }
    if (!fm_file_make_dirs(fm_text_get(&whole), 0700, err) ||
        !open_below(store->fd, fm_text_get(&path), &fd, err)) {
        return false;
    }
    fm_fault("store_unnamed");
    if (renameat(store->incoming_fd, put->temporary, fd, put->object.name) != 0) {
        return fm_fail_errno(err, "store rename");
    }
    fm_fault("store_named");
    put->temporary[0] = '\0';
    return sync_levels(store, &path, err);
}

bool fm_store_put_finish(struct fm_store_put **put, struct fm_error *err)
{
    bool ok = matches_url(*put, err) && put_in_place(*put, err);
    fm_store_put_abort(put);
    return ok;
}

void fm_store_put_abort(struct fm_store_put **put)
{
    if (!*put) {
        return;
    }
    struct fm_store_put *old = fm_steal(*put);
    if (old->fd >= 0 && old->temporary[0]) {
        unlinkat(old->store->incoming_fd, old->temporary, 0);
    }
    fm_file_close(&old->fd);
    fm_hash_destroy(&old->hash);
    fm_memory_release(&old);
}

/* ---- reading and removing: an invalid name counts as an object that does not exist ---- */

bool fm_store_open(struct fm_store *store, const struct fm_store_object *object, int *fd,
                   int64_t *size_bytes, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    if (!fm_signed_url_is_name(object->name)) {
        return fm_fail(err, FM_OUTPUT_EXPIRED, "store: invalid name");
    }
    attempt_path(object, &path);
    fm_text_format(&path, "/%s", object->name);
    *fd = openat(store->fd, fm_text_get(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT) {
        return fm_fail(err, FM_OUTPUT_EXPIRED, "store: gone");
    }
    if (*fd < 0) {
        return fm_fail_errno(err, "store open");
    }
    if (fm_file_size(*fd, size_bytes, err)) {
        return true;
    }
    fm_file_close(fd);
    return false;
}

bool fm_store_remove(struct fm_store *store, const struct fm_store_object *object,
                     struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    if (!fm_signed_url_is_name(object->name)) {
        return true;
    }
    attempt_path(object, &path);
    fm_text_format(&path, "/%s", object->name);
    return unlinkat(store->fd, fm_text_get(&path), 0) == 0 || errno == ENOENT ||
           fm_fail_errno(err, "store remove");
}

/* Removes the directory if it is empty. */
static void prune(struct fm_store *store, const char *path)
{
    (void)unlinkat(store->fd, path, AT_REMOVEDIR);
}

bool fm_store_remove_attempt(struct fm_store *store, const struct fm_store_object *attempt,
                             struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    attempt_path(attempt, &path);
    if (!fm_file_remove_tree(store->fd, fm_text_get(&path), err)) {
        return false;
    }
    while (cut_level(&path)) {
        prune(store, path.data);
    }
    return true;
}

/* ---- the walk ---- */

struct walk {
    struct fm_store *store;
    int64_t before_s;
    bool (*visit)(void *context, const struct fm_store_object *attempt);
    void *context;
    struct fm_store_object at;
};

/* Reads a directory's name into the object, by level (account, job, lease); false if it cannot be
 * part of a key. */
static bool parse_level(struct fm_store_object *object, int level, const char *name)
{
    if (level == 0) {
        return fm_id_parse(FM_ID_ACCOUNT, name, &object->account);
    }
    if (level == 1) {
        return fm_id_parse(FM_ID_JOB, name, &object->job);
    }
    uint8_t bytes[8];
    if (strlen(name) != 16 || !fm_hash_from_hex(name, bytes, sizeof bytes)) {
        return false;
    }
    object->lease = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        object->lease = object->lease << 8 | bytes[i];
    }
    return true;
}

static bool is_old(int directory_fd, const char *name, int64_t before_s)
{
    struct stat status;
    return fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_mtime < before_s;
}

static bool walk_level(struct walk *walk, int directory_fd, int level)
{
    DIR *directory = fdopendir(directory_fd);
    if (!directory) {
        fm_file_close(&directory_fd);
        return true;
    }
    bool go_on = true;
    for (struct dirent *entry; go_on && (entry = readdir(directory));) {
        if (!parse_level(&walk->at, level, entry->d_name)) {
            continue;
        }
        if (level == 2) {
            if (is_old(dirfd(directory), entry->d_name, walk->before_s)) {
                go_on = walk->visit(walk->context, &walk->at);
            }
            continue;
        }
        int below = openat(dirfd(directory), entry->d_name,
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        go_on = below < 0 || walk_level(walk, below, level + 1);
    }
    closedir(directory);
    return go_on;
}

/* Removes the remains of unfinished PUTs. A PUT under way keeps writing, so its file is never old.
 */
static void sweep_incoming(struct fm_store *store, int64_t before_s)
{
    int fd = openat(store->incoming_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        fm_file_close(&fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.' && is_old(store->incoming_fd, entry->d_name, before_s)) {
            unlinkat(store->incoming_fd, entry->d_name, 0);
        }
    }
    closedir(directory);
}

bool fm_store_walk(struct fm_store *store, int64_t age_s,
                   bool (*visit)(void *context, const struct fm_store_object *attempt),
                   void *context, struct fm_error *err)
{
    int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fm_fail_errno(err, "store walk");
    }
    struct walk walk = {store, time(NULL) - age_s, visit, context, {.lease = 0}};
    sweep_incoming(store, walk.before_s);
    walk_level(&walk, fd, 0);
    return true;
}
