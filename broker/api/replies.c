/* The rows of reply.def as tables, and the names that its NAMEs are taken from. */
#include "broker/api/replies.h"

#include "proto/operations.h"

static const char *const job_states[] = {
#define FM_STATE(name, text, ended) text,
#include "common/state.def"
#undef FM_STATE
    NULL,
};
/* As fm_batch_view_status says them. */
static const char *const batch_states[] = {"running", "succeeded", "failed", "canceled", NULL};
/* As fm_job_view_explain says them. */
static const char *const queue_reasons[] = {"cap", "paused", "no_worker", "retry", NULL};
/* As fm_status_write_health and fm_status_write_ready says them. */
static const char *const health_states[] = {"ok", NULL};
static const char *const ready_states[] = {"ready", "unavailable", "draining", NULL};

#include "broker/request/reply_table.h"

#include "broker/api/reply.def"

#include "broker/request/reply_undef.h"
