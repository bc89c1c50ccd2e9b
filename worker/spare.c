/* Keeps a short list of idle children and starts new ones as they are taken or die. */
#include "worker/spare.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"

/* Waits this long after a spare died or could not be started, so that a broken program does not
 * make the worker fork without end. */
#define PAUSE_MS 1000

struct fm_spares {
    struct fm_loop *loop;
    char *path;
    struct fm_child **children;
    unsigned wanted, count;  /* count <= wanted, the size of `children` */
    int64_t start_at_ms;     /* no start before then */
    bool is_landlock_logged; /* the log has it: all children have the same kernel */
};

/* The order of the children does not matter: the last one fills the gap. */
static void remove_at(struct fm_spares *spares, unsigned index)
{
    spares->children[index] = spares->children[--spares->count];
}

/* READY is the only message on_message can get from a spare. child.c has set the state already, so
 * only the Landlock version is left, for the log. */
static void on_message(void *context, struct fm_child *child, const struct fm_message *message,
                       int *fds)
{
    struct fm_spares *spares = context;
    (void)child;
    (void)fds;
    if (!spares->is_landlock_logged) {
        spares->is_landlock_logged = true;
        fm_log(message->ready.landlock > 0 ? FM_LOG_INFO : FM_LOG_WARNING, "media_ready",
               "landlock=%u", (unsigned)message->ready.landlock);
    }
}

static void on_gone(void *context, struct fm_child *child, enum fm_child_fate fate)
{
    struct fm_spares *spares = context;
    fm_log(FM_LOG_WARNING, "spare_gone", "pid=%d fate=%s detail=\"%s\"", (int)child->pid,
           fm_child_fate_name(fate),
           child->past.has_end && child->end.end.detail ? child->end.end.detail : child->detail);
    for (unsigned i = 0; i < spares->count; i++) {
        if (spares->children[i] == child) {
            remove_at(spares, i);
            break;
        }
    }
    spares->start_at_ms = fm_clock_ms() + PAUSE_MS;
    fm_child_destroy(&child);
}

struct fm_spares *fm_spare_new(struct fm_loop *loop, const char *path, unsigned count)
{
    struct fm_spares *spares = fm_alloc(sizeof(*spares));
    spares->loop = loop;
    spares->path = fm_strdup(path);
    spares->children = fm_alloc_array(count, sizeof(struct fm_child *));
    spares->wanted = count;
    return spares;
}

void fm_spare_destroy(struct fm_spares **spares)
{
    if (*spares == NULL) {
        return;
    }
    for (unsigned i = 0; i < (*spares)->count; i++) {
        fm_child_destroy(&(*spares)->children[i]);
    }
    free((*spares)->children);
    free((*spares)->path);
    fm_memory_release(spares);
    *spares = NULL;
}

/* The index of a child that is READY; otherwise of any: it is further than a new one would be. */
static unsigned find_best(const struct fm_spares *spares)
{
    for (unsigned i = 0; i < spares->count; i++) {
        if (spares->children[i]->state == FM_CHILD_IDLE) {
            return i;
        }
    }
    return 0;
}

struct fm_child *fm_spare_take(struct fm_spares *spares, enum fm_child_role role,
                               const struct fm_child_owner *owner, struct fm_error *err)
{
    if (spares->count == 0) {
        return fm_child_new(spares->loop, spares->path, role, owner, err);
    }
    unsigned index = find_best(spares);
    struct fm_child *child = spares->children[index];
    remove_at(spares, index);
    child->role = role;
    child->owner = *owner;
    return child;
}

int64_t fm_spare_tick(struct fm_spares *spares, int64_t now_ms)
{
    const struct fm_child_owner owner = {spares, on_message, on_gone};
    while (spares->count < spares->wanted && now_ms >= spares->start_at_ms) {
        struct fm_error err = {0};
        struct fm_child *child =
            fm_child_new(spares->loop, spares->path, FM_CHILD_SPARE, &owner, &err);
        if (child == NULL) {
            fm_log_failure("spare_start", &err);
            spares->start_at_ms = now_ms + PAUSE_MS;
            break;
        }
        spares->children[spares->count++] = child;
    }
    int64_t wake_ms = spares->count < spares->wanted ? spares->start_at_ms : FM_CLOCK_NEVER;
    for (unsigned i = 0; i < spares->count; i++) {
        int64_t child_ms = fm_child_tick(spares->children[i], now_ms);
        wake_ms = fm_clock_earlier(wake_ms, child_ms);
    }
    return wake_ms;
}
