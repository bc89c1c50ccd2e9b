/* One counter pair for each account that runs something: see running_limit.h. */
#include "broker/queue/running_limit.h"

#include <uthash.h>

#include "common/memory.h"

struct entry {
    struct fm_id account;
    uint64_t own, others;
    UT_hash_handle hh;
};

struct fm_running_limit {
    struct entry *entries;
};

struct fm_running_limit *fm_running_limit_new(void)
{
    return fm_alloc(sizeof(struct fm_running_limit));
}

static void drop(struct fm_running_limit *cap, struct entry *entry)
{
    HASH_DEL(cap->entries, entry);
    fm_memory_release(&entry);
}

void fm_running_limit_destroy(struct fm_running_limit **cap)
{
    if (!*cap)
        return;
    while ((*cap)->entries)
        drop(*cap, (*cap)->entries);
    fm_memory_release(cap);
}

static struct entry *find(const struct fm_running_limit *cap, const struct fm_id *account)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, cap->entries, account, sizeof *account, entry);
    return entry;
}

static struct entry *get(struct fm_running_limit *cap, const struct fm_id *account)
{
    struct entry *entry = find(cap, account);
    if (entry)
        return entry;
    entry = fm_alloc(sizeof *entry);
    entry->account = *account;
    HASH_ADD(hh, cap->entries, account, sizeof entry->account, entry);
    return entry;
}

void fm_running_limit_begin(struct fm_running_limit *cap, const struct fm_id *account)
{
    if (cap)
        get(cap, account)->own++;
}

void fm_running_limit_end(struct fm_running_limit *cap, const struct fm_id *account)
{
    struct entry *entry = cap ? find(cap, account) : NULL;
    if (!entry)
        return;
    entry->own -= entry->own > 0;
    if (entry->own == 0 && entry->others == 0)
        drop(cap, entry);
}

void fm_running_limit_forget_others(struct fm_running_limit *cap)
{
    struct entry *entry, *next;
    HASH_ITER (hh, cap->entries, entry, next) {
        entry->others = 0;
        if (entry->own == 0)
            drop(cap, entry);
    }
}

void fm_running_limit_add_others(struct fm_running_limit *cap, const struct fm_id *account,
                                 uint64_t running)
{
    get(cap, account)->others = running;
}

bool fm_running_limit_is_reached(const struct fm_running_limit *cap, const struct fm_id *account,
                                 uint64_t limit)
{
    const struct entry *entry = cap && limit ? find(cap, account) : NULL;
    return entry && entry->own + entry->others >= limit;
}
