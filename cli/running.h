/*
 * Finds out whether a stack runs in a state directory, where its API is, and whether it is ready.
 * Changes nothing but the lock file, which fm_running_is takes for a moment. Called by `down`,
 * `status`, `doctor`, and by stack.c while it starts.
 */
#ifndef FM_CLI_RUNNING_H
#define FM_CLI_RUNNING_H

#include "cli/state_dir.h"
#include "common/json.h"

/* Whether a supervisor holds the lock. SYSTEM when this user may not open the lock file, because
 * the stack is another user's. */
bool fm_running_is(const struct fm_state_dir *state_dir, bool *is_running,
                   struct fm_error *err) FM_MUST_CHECK;
/* The description that the supervisor writes once the stack is ready (up.json), as text and parsed;
 * false while there is none. The caller releases both. */
bool fm_running_describe(const struct fm_state_dir *state_dir, struct fm_text *text,
                         struct fm_json **json);
/* The URL of this stack's operator listener without a path, malloc'ed. Readiness is asked there,
 * because another broker could be answering at the API's address. */
char *fm_running_operator(const struct fm_json *description);
/* GET /readyz at that URL: true for HTTP 200. `workers` is the number of workers attached, `body`
 * the body (the caller's to release), empty when there was no answer. Waits up to 5 s. */
bool fm_running_is_ready(const char *operator_url, unsigned *workers, struct fm_text *body);

#endif
