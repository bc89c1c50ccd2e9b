/* Looking a plan up. */
#include "broker/config/account_plan.h"

#include <string.h>

#include "common/memory.h"

static const struct fm_plan plans[] = {
#define FM_PLAN(...) {__VA_ARGS__},
#include "broker/config/account_plan.def"
#undef FM_PLAN
};

const struct fm_plan *fm_plan_find(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(plans); i++) {
        if (name != NULL && strcmp(plans[i].name, name) == 0) {
            return &plans[i];
        }
    }
    return &plans[0];
}

uint64_t fm_plan_running(const char *name, bool is_operator)
{
    return is_operator ? 0 : fm_plan_find(name)->running_jobs;
}
