/* Descriptors and small files. Every descriptor opened here is O_CLOEXEC. */
#ifndef FM_COMMON_FILE_H
#define FM_COMMON_FILE_H

#include <sys/types.h>

#include "common/error.h"
#include "common/text.h"

/* `FM_AUTO(fm_file_close) int fd = -1;` Closes and sets -1; null-safe for -1. */
void fm_file_close(int *fd);
/* Reads a whole regular file of at most `limit` bytes. */
bool fm_file_read(const char *path, size_t limit, struct fm_text *out,
                  struct fm_error *err) FM_MUST_CHECK;
/* Writes a new file beside it, fsyncs, renames over, fsyncs the directory. */
bool fm_file_write(const char *path, mode_t mode, struct fm_slice bytes,
                   struct fm_error *err) FM_MUST_CHECK;
bool fm_file_write_all(int fd, const void *bytes, size_t length,
                       struct fm_error *err) FM_MUST_CHECK;
/* Exactly `length` bytes at `offset`; a short file is an error. */
bool fm_file_pread_all(int fd, void *out, size_t length, int64_t offset,
                       struct fm_error *err) FM_MUST_CHECK;
bool fm_file_size(int fd, int64_t *size_bytes, struct fm_error *err) FM_MUST_CHECK;
/* mkdir -p; existing directories keep their mode. */
bool fm_file_make_dirs(const char *path, mode_t mode, struct fm_error *err) FM_MUST_CHECK;
/* rm -r below a directory descriptor, never following links; a missing name is fine. */
bool fm_file_remove_tree(int directory_fd, const char *name, struct fm_error *err) FM_MUST_CHECK;
/* SHA-256 of what the descriptor holds, by pread: the file offset stays. */
bool fm_file_sha256(int fd, uint8_t out[32], int64_t *size_bytes,
                    struct fm_error *err) FM_MUST_CHECK;
/* A duplicate open of the same file, read-only, through /proc/self/fd. */
bool fm_file_reopen_readonly(int fd, int *out, struct fm_error *err) FM_MUST_CHECK;

#endif
