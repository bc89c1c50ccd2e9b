/*
 * Writes batches into the database, two at a time, each in one transaction: the batch's row, then a
 * COPY of its `job` rows and one of its `live` rows. Either all rows stand or none. When the
 * outcome of a commit is unknown, the same transaction is tried again: it finds the batch's row, or
 * inserts everything again. Before: the batch's request (a task with its file). After: copy, then
 * db. Owns: two threads with a connection each. Threads: any may post; `done` is called on one of
 * the writer's threads, or within fm_batch_writer_post.
 */
#ifndef FM_BROKER_DB_BATCH_WRITER_H
#define FM_BROKER_DB_BATCH_WRITER_H

#include "broker/db/batch_file.h"
#include "common/id.h"
#include "common/thread_pool.h"

enum fm_batch_writer_kind {
    FM_BATCH_WRITER_ADD,  /* writes the batch and all jobs of the file */
    FM_BATCH_WRITER_MARK, /* marks the batch as canceled by its client */
};

/* Owned by its poster, who must keep it and its file until `done` is called. */
struct fm_batch_writer_task {
    enum fm_batch_writer_kind kind;
    struct fm_id batch, account;
    /* ADD */
    struct fm_id key, first;
    struct fm_batch_file *file;
    /* Asked while the database does not answer: false ends the task as UNAVAILABLE. NULL: true. */
    bool (*may_go_on)(const struct fm_batch_writer_task *task);

    /* Out: NONE, UNAVAILABLE, DATABASE (refused), or DATABASE_UNCERTAIN (the batch may stand). */
    enum fm_error_code failure;
    void (*done)(struct fm_batch_writer_task *task);
    void *context;
    /* Private to the batch writer. */
    struct fm_batch_writer *writer;
    struct fm_thread_pool_task posted;
};

/* Starts the threads; they connect with their first task. */
struct fm_batch_writer *fm_batch_writer_new(const char *database_url);
/* Finishes every posted task, then joins. Null-safe. */
void fm_batch_writer_destroy(struct fm_batch_writer **writer);
/* If 256 tasks wait already, `done` is called at once with UNAVAILABLE. */
void fm_batch_writer_post(struct fm_batch_writer *writer, struct fm_batch_writer_task *task);

/* Asks whether another batch of the account may begin to arrive: false while 4 of the account, or
 * 32 of all accounts, are under way. After true, fm_batch_writer_leave must follow once. */
bool fm_batch_writer_enter(struct fm_batch_writer *writer, const struct fm_id *account);
void fm_batch_writer_leave(struct fm_batch_writer *writer, const struct fm_id *account);

#endif
