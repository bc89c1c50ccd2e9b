/*
 * The files threads: run what may wait for a disk (fsync, rename), so that no front thread does.
 * Threads: add from any; `run` is called on one of them.
 */
#ifndef FM_BROKER_STORE_DISK_THREADS_H
#define FM_BROKER_STORE_DISK_THREADS_H

/* Made by whoever adds it, and theirs again once `run` is called. */
struct fm_errand {
    void (*run)(struct fm_errand *errand);
    struct fm_errand *next;
};

struct fm_errands;
struct fm_errands *fm_errand_open(void);
/* Runs what was added, then joins. Null-safe. */
void fm_errand_close(struct fm_errands **errands);
void fm_errand_add(struct fm_errands *errands, struct fm_errand *errand);

#endif
