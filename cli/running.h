/* Whether a stack runs here, and its public description. */
#ifndef FM_CLI_RUNNING_H
#define FM_CLI_RUNNING_H

#include "cli/state_dir.h"
#include "common/json.h"

/* Whether a supervisor holds the lock. SYSTEM when that is not ours to know: it is another user's.
 */
bool fm_running_is(const struct fm_state_dir *place, bool *is, struct fm_error *err) FM_MUST_CHECK;
/* What it wrote when it was ready; false while there is none. `text` and `json` are the caller's.
 */
bool fm_running_describe(const struct fm_state_dir *place, struct fm_text *text,
                         struct fm_json **json);
/* Where its own broker is asked how it stands, malloc'ed: at the API's address another one might
 * answer. */
char *fm_running_operator(const struct fm_json *description);
/* Asks there; `said` is its answer, empty when nobody answers. */
bool fm_running_is_ready(const char *operator_url, unsigned *workers, struct fm_text *said);

#endif
