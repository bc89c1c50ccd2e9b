/*
 * The limits of account plans, a constant table made from account_plan.def. Pure.
 * Before: the queue (running_jobs) and request/queued_limit.c (queued_jobs), which enforce theirs;
 * api/submit.c, which passes running_jobs on to the queue; and api/status.c, which shows all of
 * them in GET /v1/me. Nothing enforces the others yet.
 */
#ifndef FM_BROKER_CONFIG_ACCOUNT_PLAN_H
#define FM_BROKER_CONFIG_ACCOUNT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct fm_account_plan {
    const char *name;
    /* 0: unlimited. Requests are per 60 seconds, minutes of output per month. */
    uint64_t requests, running_jobs, queued_jobs, output_minutes;
    uint64_t source_bytes, source_seconds, stored_bytes;
};

/* The plan with this name; the first of the table (the smallest) for NULL or an unknown name. */
const struct fm_account_plan *fm_account_plan_find(const char *name);
/* The most jobs of such an account that run at once; 0: any number, as for operators. */
uint64_t fm_account_plan_running(const char *name, bool is_operator);

#endif
