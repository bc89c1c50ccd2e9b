/* Looking a plan up. */
#include "broker/plan.h"

#include <string.h>

#include "common/memory.h"

static const struct fm_plan plans[] = {
#define FM_PLAN(...) {__VA_ARGS__},
#include "broker/plan.def"
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
