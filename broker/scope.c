/* Scopes: see scope.h. */
#include "broker/scope.h"

#include "broker/job.h"
#include "common/scope.h"

/* As validation asks for them: a fetch that has outputs made takes both. */
static unsigned scopes_of(const struct fm_spec *spec)
{
    if (spec->type == FM_TYPE_PROCESS) {
        return FM_SCOPE_PROCESS;
    }
    return FM_SCOPE_FETCH | (spec->outputs.count > 0 ? FM_SCOPE_PROCESS : 0);
}

bool fm_scope_check_job(struct fm_request *request, struct fm_error *err)
{
    struct fm_job_view job;
    return fm_job_read(&request->look.found, &request->arena, &job, err) &&
           fm_scope_check(request->look.scopes, scopes_of(&job.spec), err);
}
