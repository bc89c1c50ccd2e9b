/*
 * Gives the queue's tests a small vocabulary: a function makes each kind of event, and world_do
 * adds it to the queue and waits for its outcome. The tests share one PostgreSQL and one account.
 */
#ifndef FM_TESTS_WORLD_H
#define FM_TESTS_WORLD_H

#include "broker/queue/queue.h"
#include "tests/integration/postgres.h"

/* cmocka.h needs these headers before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORLD_BROKER 0x8000000000000001u /* above INT64_MAX, as a random number may be */

extern struct postgres world_postgres;
extern struct fm_queue *world_queue;
extern struct fm_id world_account;

int world_open(void **state);
int world_close(void **state);
/* Around each test: empties the tables and makes a new queue. */
int world_begin(void **state);
int world_end(void **state); /* asserts that the audit is clean */

struct fm_id world_node(const char *name); /* adds a new node */

/* Pumps until only `left` events are pending. */
void world_pump(struct fm_queue *queue, size_t left);
/* Adds without waiting; the event stays the caller's. */
void world_add(struct fm_queue *queue, struct fm_queue_event *event);
/* Adds the event, waits until no event is pending, frees it and returns its outcome. */
enum fm_queue_outcome world_do(struct fm_queue_event *event);

struct fm_queue_event *world_enqueue(struct fm_id id);
struct fm_queue_event *world_born(struct fm_id id, uint64_t lease, uint64_t session);
struct fm_queue_event *world_claim(struct fm_id id, uint64_t lease, uint64_t session);
struct fm_queue_event *world_progress(struct fm_id id, uint64_t lease);
struct fm_queue_event *world_finish(struct fm_id id, uint64_t lease, enum fm_state state);
struct fm_queue_event *world_release(struct fm_id id, uint64_t lease, enum fm_queue_release why);
struct fm_queue_event *world_cancel(struct fm_id id);
struct fm_queue_event *world_delete(struct fm_id id);
struct fm_queue_event *world_defer(struct fm_id id);
struct fm_queue_event *world_attach(struct fm_id node, uint64_t session, uint64_t boot);
struct fm_queue_event *world_expire(uint64_t session, bool is_loss);
struct fm_queue_event *world_beat(uint64_t session);

/* A new job that waits; or one that is leased by `lease` on an existing session. */
struct fm_id world_waiting(void);
struct fm_id world_leased(uint64_t lease, uint64_t session);
/* A session of a new node. */
uint64_t world_session(uint64_t id, const char *node_name);

/* Where the tables have the job: "waiting", "leased", "succeeded", "failed", "canceled" or
 * "nowhere". */
const char *world_place(struct fm_id id);
/* A number column of live or done, by the job's id. */
long long world_live(struct fm_id id, const char *column);
long long world_done(struct fm_id id, const char *column);

#endif
