/* Reads and writes the node's key and boot counter, and locks the work directory. */
#include "worker/node.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"

#define SMALL_FILE_LIMIT 128 /* bytes: a key is 40 characters, a counter at most 20 */

/* `how`: LOCK_EX waits for the holder; LOCK_EX | LOCK_NB fails instead. The kernel releases the
 * lock when the process dies, so a stale one cannot remain. */
static bool lock_file(const char *work_dir, const char *name, int how, int *fd,
                      struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_file_path(work_dir, name);
    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0) {
        return fm_fail_errno(err, path);
    }
    if (flock(*fd, how) == 0) {
        return true;
    }
    bool is_held = errno == EWOULDBLOCK;
    fm_fail_errno(err, path);
    fm_file_close(fd);
    return is_held ? fm_fail(err, FM_SYSTEM, "another worker is using %s", work_dir) : false;
}

/* Reads the file's text without its line end. *is_there is false if there is no such file, which is
 * not an error. */
static bool read_line(const char *path, struct fm_text *line, bool *is_there, struct fm_error *err)
{
    *is_there = access(path, F_OK) == 0;
    if (!*is_there) {
        return errno == ENOENT || fm_fail_errno(err, path);
    }
    if (!fm_file_read(path, SMALL_FILE_LIMIT, line, err)) {
        return false;
    }
    if (line->length > 0 && line->data[line->length - 1] == '\n') {
        line->data[--line->length] = '\0';
    }
    return true;
}

static bool write_line(const char *path, const char *text, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text line = {0};
    fm_text_format(&line, "%s\n", text);
    bool is_written = fm_file_write(path, 0600, (struct fm_slice){line.data, line.length}, err);
    explicit_bzero(line.data, line.length);
    return is_written;
}

static bool read_or_make_key(const char *path, struct fm_link_key *key, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text secret = {0};
    bool is_there = false;
    if (!read_line(path, &secret, &is_there, err)) {
        return false;
    }
    if (!is_there) {
        return fm_link_key_make(key, err) && write_line(path, key->secret, err);
    }
    bool is_read = fm_link_key_read(fm_text_get(&secret), key, err);
    explicit_bzero(secret.data, secret.capacity);
    return is_read;
}

bool fm_node_key(const char *work_dir, struct fm_link_key *key, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int lock_fd = -1;
    FM_AUTO_FREE char *path = fm_file_path(work_dir, "node.key");
    return fm_file_make_dirs(work_dir, 0700, err) &&
           lock_file(work_dir, "key.lock", LOCK_EX, &lock_fd, err) &&
           read_or_make_key(path, key, err);
}

/* The new counter is on disk (fm_file_write syncs) before the first HELLO shows it, so that no
 * later start can use it again. */
static bool raise_boot_counter(const char *work_dir, uint64_t *boot, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_file_path(work_dir, "boot");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    bool is_there = false;
    *boot = 0;
    if (!read_line(path, &text, &is_there, err)) {
        return false;
    }
    /* The broker would refuse a lower counter as superseded for good: better not to start. */
    if (is_there && !fm_text_to_u64(fm_text_get(&text), 0, UINT64_MAX - 1, boot)) {
        return fm_fail(err, FM_SYSTEM, "%s does not hold a number", path);
    }
    ++*boot;
    fm_text_clear(&text);
    fm_text_format(&text, "%" PRIu64, *boot);
    return write_line(path, fm_text_get(&text), err);
}

bool fm_node_open(const char *work_dir, struct fm_node *node, struct fm_error *err)
{
    *node = (struct fm_node){.lock_fd = -1};
    if (fm_node_key(work_dir, &node->key, err) &&
        lock_file(work_dir, "worker.lock", LOCK_EX | LOCK_NB, &node->lock_fd, err) &&
        raise_boot_counter(work_dir, &node->boot, err)) {
        return true;
    }
    fm_node_close(node);
    return false;
}

void fm_node_close(struct fm_node *node)
{
    fm_file_close(&node->lock_fd);
    explicit_bzero(&node->key, sizeof(node->key));
}
