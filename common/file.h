/*
 * Files, directories and descriptors by plain system calls, for all processes. Every call that can
 * lose data is checked (close is not: data that must last is fsynced); reads and writes are retried
 * after EINTR. Every descriptor opened here is O_CLOEXEC. Failures are SYSTEM, or RESOURCE_DISK
 * when the disk is full. Keeps no state. Threads: any.
 */
#ifndef FM_COMMON_FILE_H
#define FM_COMMON_FILE_H

#include <sys/types.h>

#include "common/error.h"
#include "common/text.h"

/* "DIRECTORY/NAME". The caller frees it. */
char *fm_file_path(const char *directory, const char *name);
/* Closes *fd and sets it to -1; does nothing for -1. For `FM_AUTO(fm_file_close) int fd = -1;`. */
void fm_file_close(int *fd);
/* Reads a whole regular file into `out`, replacing its text. Fails above `limit` bytes and for a
 * FIFO, a device or a directory. */
bool fm_file_read(const char *path, size_t limit, struct fm_text *out,
                  struct fm_error *err) FM_MUST_CHECK;
/* Replaces a file atomically and durably: writes a new file beside it, fsyncs, renames it over the
 * old one, fsyncs the directory. A crash leaves the old file or the new one, and perhaps a
 * leftover PATH.XXXXXX. `mode` is exact, whatever the umask. */
bool fm_file_write(const char *path, mode_t mode, struct fm_slice bytes,
                   struct fm_error *err) FM_MUST_CHECK;
/* Writes all bytes, in as many writes as it takes. */
bool fm_file_write_all(int fd, const void *bytes, size_t length,
                       struct fm_error *err) FM_MUST_CHECK;
/* Reads exactly `length` bytes at `offset`; a file that ends before is an error. */
bool fm_file_pread_all(int fd, void *out, size_t length, int64_t offset,
                       struct fm_error *err) FM_MUST_CHECK;
bool fm_file_size(int fd, int64_t *size_bytes, struct fm_error *err) FM_MUST_CHECK;
/* Like mkdir -p: makes the missing directories of a path with `mode` under the umask; existing ones
 * keep their mode. */
bool fm_file_make_dirs(const char *path, mode_t mode, struct fm_error *err) FM_MUST_CHECK;
/* Like rm -rf of `name` below a directory descriptor. Never follows a symbolic link, at most 32
 * directories deep; a missing name is not an error. */
bool fm_file_remove_tree(int directory_fd, const char *name, struct fm_error *err) FM_MUST_CHECK;
/* SHA-256 and size of the whole file, read by pread: the file offset stays where it is. */
bool fm_file_sha256(int fd, uint8_t out[32], int64_t *size_bytes,
                    struct fm_error *err) FM_MUST_CHECK;
/* Opens the same file again, read-only, through /proc/self/fd. Unlike dup(), the new descriptor has
 * its own offset and cannot write: what a sealed child may be given. The caller closes *out. */
bool fm_file_reopen_readonly(int fd, int *out, struct fm_error *err) FM_MUST_CHECK;
/* Fails with SYSTEM unless this process can open at least `count` more descriptors now (at most
 * 16). For a library that aborts where it cannot. Another thread may take them a moment later. */
bool fm_file_check_free(size_t count, struct fm_error *err) FM_MUST_CHECK;

#endif
