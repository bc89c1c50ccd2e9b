/* See file.h. Its fm_file_sha256 is in file_sha256.c: the media child may not link libsodium. */
#include "common/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"

/* A bound for the recursion; no directory of ours is nearly this deep. */
#define TREE_DEPTH_LIMIT 32
#define CHECK_FREE_MAX 16

char *fm_file_path(const char *directory, const char *name)
{
    struct fm_text path = {0};
    fm_text_format(&path, "%s/%s", directory, name);
    return fm_text_take(&path);
}

void fm_file_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* O_NONBLOCK, because opening a FIFO in the file's place would hang until someone writes to it. */
static bool open_regular(const char *path, int *fd, struct fm_error *err)
{
    struct stat status;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, &status) != 0) {
        return fm_fail_errno(err, path);
    }
    if (!S_ISREG(status.st_mode)) {
        return fm_fail(err, FM_SYSTEM, "%s: not a regular file", path);
    }
    return true;
}

bool fm_file_read(const char *path, size_t limit, struct fm_text *out, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int fd = -1;
    char buffer[4096];
    fm_text_clear(out);
    if (!open_regular(path, &fd, err)) {
        return false;
    }
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fm_fail_errno(err, path);
        }
        if (got == 0) {
            return true;
        }
        if ((size_t)got > limit - out->length) {
            return fm_fail(err, FM_SYSTEM, "%s: larger than %zu bytes", path, limit);
        }
        fm_text_append_bytes(out, buffer, (size_t)got);
    }
}

bool fm_file_write_all(int fd, const void *bytes, size_t length, struct fm_error *err)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t put = write(fd, at, length);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return fm_fail_errno(err, "write");
        }
        at += put;
        length -= (size_t)put;
    }
    return true;
}

/* A rename is durable only once its directory is synced. */
static bool sync_directory_of(const char *path, struct fm_error *err)
{
    FM_AUTO_FREE char *directory = fm_strdup(path);
    char *slash = strrchr(directory, '/');
    const char *name = directory;
    if (slash == NULL) {
        name = ".";
    } else if (slash == directory) {
        name = "/";
    } else {
        *slash = '\0';
    }
    FM_AUTO(fm_file_close) int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return fm_fail_errno(err, name);
    }
    return true;
}

/* fchmod, because mkostemp makes every file 0600. The caller removes `beside` after a failure. */
static bool fill_and_rename(int fd, const char *beside, const char *path, mode_t mode,
                            struct fm_slice bytes, struct fm_error *err)
{
    if (fchmod(fd, mode) != 0) {
        return fm_fail_errno(err, beside);
    }
    if (!fm_file_write_all(fd, bytes.data, bytes.length, err)) {
        return false;
    }
    if (fsync(fd) != 0 || rename(beside, path) != 0) {
        return fm_fail_errno(err, path);
    }
    return true;
}

bool fm_file_write(const char *path, mode_t mode, struct fm_slice bytes, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text beside = {0};
    fm_text_format(&beside, "%s.XXXXXX", path);
    FM_AUTO(fm_file_close) int fd = mkostemp(beside.data, O_CLOEXEC);
    if (fd < 0) {
        return fm_fail_errno(err, path);
    }
    if (!fill_and_rename(fd, beside.data, path, mode, bytes, err)) {
        unlink(beside.data);
        return false;
    }
    return sync_directory_of(path, err);
}

bool fm_file_pread_all(int fd, void *out, size_t length, int64_t offset, struct fm_error *err)
{
    char *at = out;
    while (length > 0) {
        ssize_t got = pread(fd, at, length, offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fm_fail_errno(err, "pread");
        }
        if (got == 0) {
            return fm_fail(err, FM_SYSTEM, "pread: the file ends at %lld", (long long)offset);
        }
        at += got;
        offset += got;
        length -= (size_t)got;
    }
    return true;
}

bool fm_file_size(int fd, int64_t *size_bytes, struct fm_error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return fm_fail_errno(err, "fstat");
    }
    *size_bytes = status.st_size;
    return true;
}

/* Tries first and looks afterwards, so that two processes may make the same directory at once. */
static bool make_directory(const char *path, mode_t mode, struct fm_error *err)
{
    struct stat status;
    if (mkdir(path, mode) == 0) {
        return true;
    }
    if (errno == EEXIST && stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            return true;
        }
        errno = ENOTDIR;
    }
    return fm_fail_errno(err, path);
}

bool fm_file_make_dirs(const char *path, mode_t mode, struct fm_error *err)
{
    FM_AUTO_FREE char *copy = fm_strdup(path);
    for (char *slash = strchr(copy + (copy[0] == '/' ? 1 : 0), '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_directory(copy, mode, err)) {
            return false;
        }
        *slash = '/';
    }
    return make_directory(copy, mode, err);
}

static void close_directory(DIR **directory)
{
    if (*directory != NULL) {
        closedir(*directory);
    }
}

static bool remove_below(int parent, const char *name, int depth, struct fm_error *err);

static bool remove_entries(DIR *directory, int depth, struct fm_error *err)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            return errno == 0 ? true : fm_fail_errno(err, "readdir");
        }
        bool is_dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!is_dots && !remove_below(dirfd(directory), entry->d_name, depth, err)) {
            return false;
        }
    }
}

/* O_NOFOLLOW: if a link replaced the directory after the unlinkat() in remove_below(), the open
 * fails instead of entering the link's target. */
static bool remove_directory(int parent, const char *name, int depth, struct fm_error *err)
{
    if (depth >= TREE_DEPTH_LIMIT) {
        return fm_fail(err, FM_SYSTEM, "%s: directories too deep to remove", name);
    }
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    FM_AUTO(close_directory) DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        return fm_fail_errno(err, name);
    }
    if (!remove_entries(directory, depth + 1, err)) {
        return false;
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return fm_fail_errno(err, name);
    }
    return true;
}

static bool remove_below(int parent, const char *name, int depth, struct fm_error *err)
{
    /* Most entries are files, so unlink comes before any question what the entry is. */
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return true;
    }
    /* For a directory, unlink fails with EISDIR on Linux and with EPERM in POSIX. */
    if (errno != EISDIR && errno != EPERM) {
        return fm_fail_errno(err, name);
    }
    return remove_directory(parent, name, depth, err);
}

bool fm_file_remove_tree(int directory_fd, const char *name, struct fm_error *err)
{
    return remove_below(directory_fd, name, 0, err);
}

bool fm_file_reopen_readonly(int fd, int *out, struct fm_error *err)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *out = open(path, O_RDONLY | O_CLOEXEC);
    return *out >= 0 ? true : fm_fail_errno(err, path);
}

bool fm_file_check_free(size_t count, struct fm_error *err)
{
    int opened[CHECK_FREE_MAX];
    size_t got = 0;
    assert(count <= CHECK_FREE_MAX);
    while (got < count && (opened[got] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        got++;
    }
    bool is_free = got == count || fm_fail_errno(err, "open descriptors");
    while (got > 0) {
        fm_file_close(&opened[--got]);
    }
    return is_free;
}
