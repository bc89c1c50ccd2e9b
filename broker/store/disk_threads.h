/*
 * The files threads: run what may wait for a disk (fsync, rename), so that no front thread does.
 * Threads: add from any; `run` is called on one of them.
 */
#ifndef FM_BROKER_STORE_DISK_THREADS_H
#define FM_BROKER_STORE_DISK_THREADS_H

/* Made by whoever adds it, and theirs again once `run` is called. */
struct fm_disk_task {
    void (*run)(struct fm_disk_task *errand);
    struct fm_disk_task *next;
};

struct fm_disk_threads;
struct fm_disk_threads *fm_disk_threads_open(void);
/* Runs what was added, then joins. Null-safe. */
void fm_disk_threads_close(struct fm_disk_threads **errands);
void fm_disk_threads_add(struct fm_disk_threads *errands, struct fm_disk_task *errand);

#endif
