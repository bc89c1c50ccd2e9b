/* One file for each generation, in a directory that is opened once. */
#include "worker/transfer/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool fm_spool_open(struct fm_spool *spool, const char *directory, struct fm_error *err)
{
    *spool = (struct fm_spool){.fd = -1};
    spool->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return spool->directory_fd >= 0 || fm_fail_errno(err, "work directory");
}

void fm_spool_done(struct fm_spool *spool)
{
    fm_file_close(&spool->fd);
    fm_file_close(&spool->directory_fd);
}

/* Only for a file that no reader has. */
static bool empty_file(struct fm_spool *spool, struct fm_error *err)
{
    if (ftruncate(spool->fd, 0) != 0 || lseek(spool->fd, 0, SEEK_SET) != 0) {
        return fm_fail_errno(err, "empty the spool file");
    }
    spool->size_bytes = 0;
    return true;
}

bool fm_spool_begin(struct fm_spool *spool, struct fm_error *err)
{
    if (spool->fd >= 0 && !spool->is_shared) {
        return empty_file(spool, err);
    }
    if (spool->generation == FM_SPOOL_GENERATIONS) {
        return fm_fail(err, FM_SOURCE_CHANGED, "the source changed too often");
    }
    char name[32];
    snprintf(name, sizeof(name), "source-%u.part", (unsigned)spool->generation + 1);
    fm_file_close(&spool->fd);
    /* An earlier process in this directory may have left a file of that name. Unlinking it takes
     * nothing from a reader, which keeps its descriptor. */
    if (unlinkat(spool->directory_fd, name, 0) != 0 && errno != ENOENT) {
        return fm_fail_errno(err, "remove an old spool file");
    }
    spool->fd =
        openat(spool->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (spool->fd < 0) {
        return fm_fail_errno(err, "make a spool file");
    }
    spool->generation++;
    spool->size_bytes = 0;
    spool->is_shared = false;
    return true;
}

bool fm_spool_append(struct fm_spool *spool, const void *bytes, size_t length, struct fm_error *err)
{
    if (!fm_file_write_all(spool->fd, bytes, length, err)) {
        return false;
    }
    spool->size_bytes += (int64_t)length;
    return true;
}

bool fm_spool_share(struct fm_spool *spool, int *fd, struct fm_error *err)
{
    spool->is_shared = true;
    return fm_file_reopen_readonly(spool->fd, fd, err);
}
