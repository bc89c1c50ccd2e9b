/*
 * The stack's lock shows whether a supervisor lives, because the kernel releases it with the
 * process; up.json says where the stack is, but may be left over from one that was killed:
 * see running.h.
 */
#include "cli/running.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "common/file.h"
#include "common/memory.h"

#define DESCRIPTION_LIMIT 8192 /* bytes of up.json */

/* Tries to take the lock; success means that no stack runs, and closing `fd` releases it. The file
 * is looked for first, because fm_state_dir_lock would create it. */
bool fm_running_is(const struct fm_state_dir *state_dir, bool *is_running, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int fd = -1;
    bool is_acquired = false;
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "up.lock");
    *is_running = false;
    if (access(path, F_OK) != 0) {
        bool is_none = errno == ENOENT || errno == ENOTDIR;
        return is_none || fm_fail_errno(err, path);
    }
    bool ok = fm_state_dir_lock(state_dir, &fd, &is_acquired, err);
    *is_running = ok && !is_acquired;
    return ok;
}

bool fm_running_describe(const struct fm_state_dir *state_dir, struct fm_text *text,
                         struct fm_json **json)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "up.json");
    return fm_file_read(path, DESCRIPTION_LIMIT, text, NULL) &&
           fm_json_parse((struct fm_slice){text->data, text->length}, json, NULL);
}

char *fm_running_operator(const struct fm_json *description)
{
    const char *metrics = fm_json_text(fm_json_get(description, "metrics_url"));
    const char *path = strstr(metrics, "/metrics");
    return fm_strndup(metrics, path != NULL ? (size_t)(path - metrics) : strlen(metrics));
}

bool fm_running_is_ready(const char *operator_url, unsigned *workers, struct fm_text *body)
{
    FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
    long status = 0;
    *workers = 0;
    if (!fm_client_get_plain(operator_url, "/readyz", &status, body) ||
        !fm_json_parse((struct fm_slice){body->data, body->length}, &json, NULL)) {
        return false;
    }
    *workers = (unsigned)fm_json_integer(fm_json_get(json, "workers"));
    return status == 200;
}
