/* Makes the tables of reply.def's records, and the lists of names that its NAME members use. */
#include "broker/api/replies.h"

#include "proto/names.h"

static const char *const job_states[] = {
#define FM_STATE(name, text, ended) text,
#include "common/state.def"
#undef FM_STATE
    NULL,
};
/* Those of fm_batch_view_status. */
static const char *const batch_states[] = {"running", "succeeded", "failed", "canceled", NULL};
/* Those of fm_job_view_explain. */
static const char *const queue_reasons[] = {"cap", "paused", "no_worker", "retry", NULL};
/* Those of fm_status_write_health and fm_status_write_ready. */
static const char *const health_states[] = {"ok", NULL};
static const char *const ready_states[] = {"ready", "unavailable", "draining", NULL};

#include "broker/request/reply_table.h"

#include "broker/api/reply.def"

#include "broker/request/reply_undef.h"
