#include "broker/queue/watch.h"

#include <pthread.h>
#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"

/* All waiters of one job. Exists while there is at least one. */
struct post {
    struct fm_id job;
    struct fm_watch_entry *entries;
    unsigned generation; /* when it was made */
    UT_hash_handle hh;
};

struct fm_watch {
    pthread_mutex_t lock;
    struct post *posts; /* hash by job; iterates from the oldest to the newest */
    size_t waiters;
    unsigned generation; /* raised by each fm_watch_renew */
    size_t turn;         /* where the next fm_watch_jobs begins, so that every job is returned in
                            time */
};

struct fm_watch *fm_watch_new(void)
{
    struct fm_watch *watch = fm_alloc(sizeof *watch);
    pthread_mutex_init(&watch->lock, NULL);
    return watch;
}

void fm_watch_destroy(struct fm_watch **watch)
{
    if (!*watch) {
        return;
    }
    struct post *post, *next;
    HASH_ITER (hh, (*watch)->posts, post, next) {
        HASH_DEL((*watch)->posts, post);
        fm_memory_release(&post);
    }
    pthread_mutex_destroy(&(*watch)->lock);
    fm_memory_release(watch);
}

static struct post *post_find(struct fm_watch *watch, const struct fm_id *job)
{
    struct post *post = NULL;
    HASH_FIND(hh, watch->posts, job, sizeof *job, post);
    return post;
}

void fm_watch_add(struct fm_watch *watch, struct fm_watch_entry *entry)
{
    pthread_mutex_lock(&watch->lock);
    struct post *post = post_find(watch, &entry->job);
    if (!post) {
        post = fm_alloc(sizeof *post);
        post->job = entry->job;
        post->generation = watch->generation;
        HASH_ADD(hh, watch->posts, job, sizeof post->job, post);
    }
    DL_APPEND(post->entries, entry);
    watch->waiters++;
    entry->is_listed = true;
    entry->known = FM_WATCH_UNKNOWN;
    pthread_mutex_unlock(&watch->lock);
}

bool fm_watch_remove(struct fm_watch *watch, struct fm_watch_entry *entry)
{
    pthread_mutex_lock(&watch->lock);
    bool was_listed = entry->is_listed;
    struct post *post = was_listed ? post_find(watch, &entry->job) : NULL;
    if (post) {
        DL_DELETE(post->entries, entry);
        watch->waiters--;
        entry->is_listed = false;
        if (!post->entries) {
            HASH_DEL(watch->posts, post);
            fm_memory_release(&post);
        }
    }
    pthread_mutex_unlock(&watch->lock);
    return was_listed;
}

void fm_watch_know(struct fm_watch *watch, struct fm_watch_entry *entry, enum fm_watch_known known)
{
    pthread_mutex_lock(&watch->lock);
    entry->known = known;
    pthread_mutex_unlock(&watch->lock);
}

/* ---- waking ---- */

/* Under the lock: removes the post and returns its entries, marked unlisted. Null-safe. */
static struct fm_watch_entry *remove_post(struct fm_watch *watch, struct post *post)
{
    if (!post) {
        return NULL;
    }
    struct fm_watch_entry *entries = post->entries;
    for (struct fm_watch_entry *entry = entries; entry; entry = entry->next) {
        entry->is_listed = false;
        watch->waiters--;
    }
    HASH_DEL(watch->posts, post);
    fm_memory_release(&post);
    return entries;
}

/* Without the lock, since `changed` may call this file. */
static void wake_entries(struct fm_watch_entry *entry)
{
    struct fm_watch_entry *next;
    for (; entry; entry = next) {
        next = entry->next; /* `changed` gives the entry back to its owner, who may free it */
        entry->changed(entry);
    }
}

void fm_watch_wake(struct fm_watch *watch, const struct fm_id *job)
{
    pthread_mutex_lock(&watch->lock);
    struct fm_watch_entry *entries = remove_post(watch, post_find(watch, job));
    pthread_mutex_unlock(&watch->lock);
    wake_entries(entries);
}

/* True if any waiter has seen another state. A waiter that has seen none yet is not woken. */
static bool is_news(const struct post *post, enum fm_watch_known state)
{
    const struct fm_watch_entry *entry = post ? post->entries : NULL;
    while (entry && (entry->known == FM_WATCH_UNKNOWN || entry->known == state)) {
        entry = entry->next;
    }
    return entry != NULL;
}

void fm_watch_compare(struct fm_watch *watch, const struct fm_id *job, enum fm_watch_known state)
{
    pthread_mutex_lock(&watch->lock);
    struct post *post = post_find(watch, job);
    struct fm_watch_entry *entries = is_news(post, state) ? remove_post(watch, post) : NULL;
    pthread_mutex_unlock(&watch->lock);
    wake_entries(entries);
}

void fm_watch_renew(struct fm_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->generation++;
    pthread_mutex_unlock(&watch->lock);
}

bool fm_watch_wake_stale(struct fm_watch *watch, size_t limit)
{
    bool is_stale = true;
    for (size_t i = 0; is_stale && i < limit; i++) {
        pthread_mutex_lock(&watch->lock);
        struct post *first = watch->posts;
        is_stale = first && first->generation != watch->generation;
        struct fm_watch_entry *entries = is_stale ? remove_post(watch, first) : NULL;
        pthread_mutex_unlock(&watch->lock);
        wake_entries(entries);
    }
    return is_stale;
}

/* ---- counts and lists ---- */

size_t fm_watch_count(struct fm_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    size_t count = HASH_COUNT(watch->posts);
    pthread_mutex_unlock(&watch->lock);
    return count;
}

size_t fm_watch_waiters(struct fm_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    size_t count = watch->waiters;
    pthread_mutex_unlock(&watch->lock);
    return count;
}

size_t fm_watch_jobs(struct fm_watch *watch, struct fm_id *out, size_t limit)
{
    pthread_mutex_lock(&watch->lock);
    size_t all = HASH_COUNT(watch->posts);
    size_t skip = all > limit ? watch->turn % all : 0;
    size_t count = 0, index = 0;
    for (struct post *post = watch->posts; post && count < limit; post = post->hh.next) {
        if (index++ >= skip) {
            out[count++] = post->job;
        }
    }
    watch->turn = count < limit ? 0 : skip + count;
    pthread_mutex_unlock(&watch->lock);
    return count;
}
