/* The rows of scope.def, looked up by name and by bit. */
#include "common/scope.h"

#include <string.h>

const struct fm_scope_row fm_scopes[FM_SCOPE_COUNT + 1] = {
#define FM_SCOPE(name, bit, text, prose) {bit, text, prose},
#include "common/scope.def"
#undef FM_SCOPE
    {0, NULL, NULL},
};

unsigned fm_scope_by_name(const char *name)
{
    for (const struct fm_scope_row *row = fm_scopes; row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0) {
            return row->bit;
        }
    }
    return 0;
}

bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err)
{
    for (const struct fm_scope_row *row = fm_scopes; row->name != NULL; row++) {
        if ((needs & ~has & row->bit) != 0) {
            return fm_fail_param(err, FM_INSUFFICIENT_SCOPE, NULL,
                                 "This needs an API key with the scope %s", row->name);
        }
    }
    return true;
}
