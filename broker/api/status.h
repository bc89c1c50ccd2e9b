/* Whether this broker can do its work, for both listeners. */
#ifndef FM_BROKER_API_STATUS_H
#define FM_BROKER_API_STATUS_H

#include "broker/db/reader.h"
#include "broker/queue/dispatch.h"

/* Appends /healthz's object. */
void fm_status_write_health(struct fm_text *out);
/* Appends /readyz's object; true when it is ready: the database answers, jobs are dispatched, and
 * nothing is being ended. */
bool fm_status_write_ready(struct fm_reader *reader, struct fm_dispatch *dispatch, bool drains,
                           struct fm_text *out);

#endif
