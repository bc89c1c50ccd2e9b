/* Whether a stack runs here, and its public description. */
#ifndef FM_CLI_RUNNING_H
#define FM_CLI_RUNNING_H

#include "cli/place.h"
#include "common/json.h"

/* True if a supervisor holds the lock. */
bool fm_running_is(const struct fm_place *place);
/* What it wrote when it was ready; false while there is none. `text` and `json` are the caller's.
 */
bool fm_running_describe(const struct fm_place *place, struct fm_text *text, struct fm_json **json);
/* Its base URL, malloc'ed; NULL when none runs. */
char *fm_running_base(const struct fm_place *place);

#endif
