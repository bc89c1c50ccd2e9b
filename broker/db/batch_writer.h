/*
 * Batches into the database, two at a time, each as one transaction on a connection of its own: the
 * batch's row, then COPY of job and of live. All of it stands, or nothing; where the outcome of a
 * commit is not known the same transaction is tried again, which finds the row or makes it.
 * Threads: post from any; `done` is called on a copy thread, or within fm_copy_post.
 */
#ifndef FM_BROKER_DB_BATCH_WRITER_H
#define FM_BROKER_DB_BATCH_WRITER_H

#include "broker/db/batch_file.h"
#include "common/id.h"
#include "common/thread_pool.h"

enum fm_batch_writer_kind {
    FM_BATCH_WRITER_ADD,  /* all of the file's jobs */
    FM_BATCH_WRITER_MARK, /* its client canceled it */
};

struct fm_copy;

/* Made by whoever posts it, and theirs again once `done` is called. */
struct fm_batch_writer_task {
    enum fm_batch_writer_kind kind;
    struct fm_id batch, account;
    /* ADD */
    struct fm_id key, first;
    struct fm_batch_file *file;
    /* Whether it is worth going on with a database that does not answer; NULL: it is. */
    bool (*may_go_on)(const struct fm_batch_writer_task *task);

    /* NONE, UNAVAILABLE, DATABASE, or DATABASE_UNCERTAIN: it may stand. */
    enum fm_error_code failure;
    void (*done)(struct fm_batch_writer_task *task);
    void *context;
    /* The copy's. */
    struct fm_batch_writer *copy;
    struct fm_thread_pool_task posted;
};

/* Connects when there is something to do. */
struct fm_batch_writer *fm_batch_writer_new(const char *database_url);
/* Everything posted is done. Null-safe. */
void fm_batch_writer_destroy(struct fm_batch_writer **copy);
/* Where too many tasks wait already, `done` is called at once: UNAVAILABLE. */
void fm_batch_writer_post(struct fm_batch_writer *copy, struct fm_batch_writer_task *task);

/* A batch may begin to arrive: false while the account has 4 under way, or all together 32. One
 * that entered leaves. */
bool fm_batch_writer_enter(struct fm_batch_writer *copy, const struct fm_id *account);
void fm_batch_writer_leave(struct fm_batch_writer *copy, const struct fm_id *account);

#endif
