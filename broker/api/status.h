/* Reports whether this broker is alive and can do its work, for the API's listener (status.c) and
 * the operator's (operator/scrape.c). Threads: any. */
#ifndef FM_BROKER_API_STATUS_H
#define FM_BROKER_API_STATUS_H

#include "broker/db/reader.h"
#include "broker/queue/dispatch.h"

/* Appends /healthz's object. */
void fm_status_write_health(struct fm_text *out);
/* Appends /readyz's object. True if the broker is ready: the database answers, jobs are dispatched,
 * and the listener does not drain (`drains`). Having no workers does not make it unready. */
bool fm_status_write_ready(struct fm_reader *reader, struct fm_dispatch *dispatch, bool drains,
                           struct fm_text *out);

#endif
