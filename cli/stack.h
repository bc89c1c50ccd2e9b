/*
 * The members of a running stack: PostgreSQL, broker, workers. Started in that order, restarted
 * with backoff when they die, ended in reverse. Their parent is this process: its own death ends
 * them all.
 */
#ifndef FM_CLI_STACK_H
#define FM_CLI_STACK_H

#include "cli/state_dir.h"
#include "common/json.h"

#define FM_STACK_WORKERS 64

struct fm_stack_options {
    const char *state_dir, *listen, *allow_private;
    uint64_t workers, cpu_slots, net_slots; /* slots 0: the worker's own default */
    bool is_detached, wants_json, workers_are_given;
};

struct fm_stack;
/* `database_url` NULL: the private cluster. Borrowed: options, place, ports. */
struct fm_stack *fm_stack_new(const struct fm_stack_options *options,
                              const struct fm_state_dir *place,
                              const struct fm_state_dir_ports *ports, const char *database_url);
/* PostgreSQL up, the schema and the first account made, every worker enrolled, broker and workers
 * running and ready. */
bool fm_stack_start(struct fm_stack *stack, struct fm_error *err) FM_MUST_CHECK;
/* Writes <state>/up.json, the public description: what down, status and another up read. */
void fm_stack_publish(const struct fm_stack *stack);
/* Restarts what dies until SIGTERM or SIGINT (both blocked by the caller). */
void fm_stack_watch(struct fm_stack *stack);
/* Ends every member, youngest first, and reaps it. */
void fm_stack_destroy(struct fm_stack **stack);
/* base_url … pids, as `up --json` prints it; without the secrets when `is_public`. */
void fm_stack_describe(const struct fm_stack *stack, bool is_public, struct fm_text *out);
/* The first run's key and password, or NULL. */
const char *fm_stack_key(const struct fm_stack *stack);
const char *fm_stack_password(const struct fm_stack *stack);
const char *fm_stack_base(const struct fm_stack *stack);

#endif
