/*
 * The digest of a file. Not part of file.c, because it needs libsodium, and the media child, which
 * uses the rest of file.c, links no such library.
 */
#include <errno.h>
#include <unistd.h>

#include "common/file.h"
#include "common/hash.h"
#include "common/memory.h"

#define CHUNK_BYTES ((size_t)256 * 1024)

bool fm_file_sha256(int fd, uint8_t out[32], int64_t *size_bytes, struct fm_error *err)
{
    FM_AUTO(fm_hash_destroy) struct fm_hash *hash = fm_hash_new();
    FM_AUTO_FREE char *buffer = fm_alloc(CHUNK_BYTES);
    int64_t offset = 0;
    for (;;) {
        ssize_t got = pread(fd, buffer, CHUNK_BYTES, offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fm_fail_errno(err, "pread");
        }
        if (got == 0) {
            break;
        }
        fm_hash_update(hash, buffer, (size_t)got);
        offset += got;
    }
    fm_hash_final(hash, out);
    *size_bytes = offset;
    return true;
}
