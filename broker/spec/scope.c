/* Scopes: see scope.h. */
#include "broker/spec/scope.h"

#include "broker/db/reader.h"
#include "common/scope.h"

bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err)
{
    unsigned missing = needs & ~has;
    return missing == 0 || fm_fail_param(err, FM_INSUFFICIENT_SCOPE, NULL,
                                         "This needs an API key with the scope %s",
                                         (missing & FM_SCOPE_FETCH) != 0     ? "video:fetch"
                                         : (missing & FM_SCOPE_PROCESS) != 0 ? "video:process"
                                                                             : "operator");
}
