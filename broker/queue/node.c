#include "broker/queue/node.h"

#include <pthread.h>
#include <string.h>

#include "common/memory.h"

struct fm_node_set {
    pthread_rwlock_t lock;
    struct fm_tick_node *nodes;
    size_t count;
    bool is_read;
};

struct fm_node_set *fm_node_set_new(void)
{
    struct fm_node_set *set = fm_alloc(sizeof *set);
    pthread_rwlock_init(&set->lock, NULL);
    return set;
}

void fm_node_set_destroy(struct fm_node_set **set)
{
    if (!*set) {
        return;
    }
    pthread_rwlock_destroy(&(*set)->lock);
    fm_memory_release(&(*set)->nodes);
    fm_memory_release(set);
}

void fm_node_set_replace(struct fm_node_set *set, const struct fm_tick_node *nodes, size_t count)
{
    struct fm_tick_node *fresh = fm_alloc_array(count + 1, sizeof *fresh);
    if (count) {
        memcpy(fresh, nodes, count * sizeof *fresh);
    }
    pthread_rwlock_wrlock(&set->lock);
    struct fm_tick_node *old = set->nodes;
    set->nodes = fresh;
    set->count = count;
    set->is_read = true;
    pthread_rwlock_unlock(&set->lock);
    fm_memory_release(&old);
}

bool fm_node_set_is_read(struct fm_node_set *set)
{
    pthread_rwlock_rdlock(&set->lock);
    bool is_read = set->is_read;
    pthread_rwlock_unlock(&set->lock);
    return is_read;
}

static bool has_key(const struct fm_tick_node *node, const void *public_key)
{
    return strcmp(node->public_key, public_key) == 0;
}

static bool has_id(const struct fm_tick_node *node, const void *id)
{
    return fm_id_compare(&node->id, id) == 0;
}

static bool find_node(struct fm_node_set *set,
                      bool (*is_it)(const struct fm_tick_node *node, const void *what),
                      const void *what, struct fm_tick_node *node)
{
    bool found = false;
    pthread_rwlock_rdlock(&set->lock);
    for (size_t i = 0; i < set->count && !found; i++) {
        found = is_it(&set->nodes[i], what);
        if (found) {
            *node = set->nodes[i];
        }
    }
    pthread_rwlock_unlock(&set->lock);
    return found;
}

bool fm_node_find(struct fm_node_set *set, const char *public_key, struct fm_tick_node *node)
{
    return find_node(set, has_key, public_key, node);
}

bool fm_node_find_id(struct fm_node_set *set, const struct fm_id *id, struct fm_tick_node *node)
{
    return find_node(set, has_id, id, node);
}
