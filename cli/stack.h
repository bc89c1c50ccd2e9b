/*
 * Supervises the members of a stack: PostgreSQL, the broker and the workers. They are started in
 * that order, restarted with backoff when they end, and ended in reverse. Called by up.c, which
 * holds the stack's lock meanwhile; a state directory has one supervisor at most.
 * Owns: the member processes and the first run's key and password. All members are children of this
 * process and get a signal when it dies, so that none outlives its supervisor.
 * Threads: the main thread alone (spawn.h).
 */
#ifndef FM_CLI_STACK_H
#define FM_CLI_STACK_H

#include "cli/state_dir.h"
#include "common/json.h"

#define FM_STACK_WORKERS 64 /* the most workers of one stack */

struct fm_stack_options {
    const char *state_dir, *listen, *allow_private;
    uint64_t workers, cpu_slots, net_slots; /* slots 0: the worker's own default */
    bool is_detached, wants_json, workers_are_given;
};

struct fm_stack;
/* Starts nothing yet. `database_url` NULL: the stack runs a private cluster. Options, state_dir and
 * ports are borrowed until fm_stack_destroy; the URL is copied. */
struct fm_stack *fm_stack_new(const struct fm_stack_options *options,
                              const struct fm_state_dir *state_dir,
                              const struct fm_state_dir_ports *ports, const char *database_url);
/* Starts PostgreSQL, makes schema and first account, starts the broker, enrols and starts the
 * workers, and waits up to 60 s until the broker is ready and all of them are attached. On failure
 * some members may run: call fm_stack_destroy in both cases. Revoked workers are left out. */
bool fm_stack_start(struct fm_stack *stack, struct fm_error *err) FM_MUST_CHECK;
/* Writes the public description to <state>/up.json, which `status`, `doctor` and another `up` read.
 * A failure is printed on stderr; the stack goes on. */
void fm_stack_publish(const struct fm_stack *stack);
/* Restarts members that end, until SIGTERM or SIGINT arrives. The caller has blocked both and
 * SIGCHLD, because all three are taken with sigwaitinfo(2). */
void fm_stack_watch(struct fm_stack *stack);
/* Ends and reaps every member, the last started first, then frees the stack. Waits up to 20 s for
 * each before SIGKILL. */
void fm_stack_destroy(struct fm_stack **stack);
/* Appends the JSON object of `up --json`; key and password are null when `is_public`. */
void fm_stack_describe(const struct fm_stack *stack, bool is_public, struct fm_text *out);
/* The first run's key and password, NULL on later runs; both borrowed. */
const char *fm_stack_key(const struct fm_stack *stack);
const char *fm_stack_password(const struct fm_stack *stack);
/* The API's base URL, borrowed. */
const char *fm_stack_base(const struct fm_stack *stack);

#endif
