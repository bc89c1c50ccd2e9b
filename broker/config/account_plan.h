/* The plans of account_plan.def. */
#ifndef FM_BROKER_CONFIG_ACCOUNT_PLAN_H
#define FM_BROKER_CONFIG_ACCOUNT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct fm_account_plan {
    const char *name;
    uint64_t requests, running_jobs, queued_jobs, output_minutes;
    uint64_t source_bytes, source_seconds, stored_bytes; /* 0: unlimited */
};

/* The plan of that name; the first one for a name nobody knows. */
const struct fm_account_plan *fm_account_plan_find(const char *name);
/* How many jobs of such an account run at once at most; 0: any number. */
uint64_t fm_account_plan_running(const char *name, bool is_operator);

#endif
