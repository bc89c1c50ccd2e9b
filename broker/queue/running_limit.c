/* Two counters for each account that has running jobs: see running_limit.h. An entry whose counters
 * are both 0 is dropped, so the table grows with running jobs, not with accounts. */
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

static void drop_entry(struct fm_running_limit *limit, struct entry *entry)
{
    HASH_DEL(limit->entries, entry);
    fm_memory_release(&entry);
}

void fm_running_limit_destroy(struct fm_running_limit **limit)
{
    if (!*limit) {
        return;
    }
    while ((*limit)->entries) {
        drop_entry(*limit, (*limit)->entries);
    }
    fm_memory_release(limit);
}

static struct entry *find_entry(const struct fm_running_limit *limit, const struct fm_id *account)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, limit->entries, account, sizeof *account, entry);
    return entry;
}

static struct entry *get_entry(struct fm_running_limit *limit, const struct fm_id *account)
{
    struct entry *entry = find_entry(limit, account);
    if (entry) {
        return entry;
    }
    entry = fm_alloc(sizeof *entry);
    entry->account = *account;
    HASH_ADD(hh, limit->entries, account, sizeof entry->account, entry);
    return entry;
}

void fm_running_limit_begin(struct fm_running_limit *limit, const struct fm_id *account)
{
    if (limit) {
        get_entry(limit, account)->own++;
    }
}

void fm_running_limit_end(struct fm_running_limit *limit, const struct fm_id *account)
{
    struct entry *entry = limit ? find_entry(limit, account) : NULL;
    if (!entry) {
        return;
    }
    entry->own -= entry->own > 0;
    if (entry->own == 0 && entry->others == 0) {
        drop_entry(limit, entry);
    }
}

void fm_running_limit_forget_others(struct fm_running_limit *limit)
{
    struct entry *entry, *next;
    HASH_ITER (hh, limit->entries, entry, next) {
        entry->others = 0;
        if (entry->own == 0) {
            drop_entry(limit, entry);
        }
    }
}

void fm_running_limit_add_others(struct fm_running_limit *limit, const struct fm_id *account,
                                 uint64_t running)
{
    get_entry(limit, account)->others = running;
}

bool fm_running_limit_is_reached(const struct fm_running_limit *limit, const struct fm_id *account,
                                 uint64_t most)
{
    const struct entry *entry = limit != NULL && most > 0 ? find_entry(limit, account) : NULL;
    return entry != NULL && entry->own + entry->others >= most;
}
