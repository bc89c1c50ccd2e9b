/* Finds a plan in the table of account_plan.def. */
#include "broker/config/account_plan.h"

#include <string.h>

#include "common/memory.h"

static const struct fm_account_plan plans[] = {
#define FM_ACCOUNT_PLAN(...) {__VA_ARGS__},
#include "broker/config/account_plan.def"
#undef FM_ACCOUNT_PLAN
};

const struct fm_account_plan *fm_account_plan_find(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(plans); i++) {
        if (name != NULL && strcmp(plans[i].name, name) == 0) {
            return &plans[i];
        }
    }
    return &plans[0];
}

uint64_t fm_account_plan_running(const char *name, bool is_operator)
{
    return is_operator ? 0 : fm_account_plan_find(name)->running_jobs;
}
