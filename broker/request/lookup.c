/* A request's reads, each of which suspends it until the result is there: see lookup.h. */
#include "broker/request/lookup.h"

#include <string.h>

#include "broker/db/db.h"

/* On a reader thread. */
static void wake_lookup(struct fm_reader_lookup *lookup)
{
    struct fm_request *request = lookup->context;
    fm_suspend_wake(&request->wait);
}

/* On a reader thread. */
static void wake_query(struct fm_reader_query *query)
{
    struct fm_request *request = query->context;
    fm_suspend_wake(&request->wait);
}

enum fm_step fm_lookup_start(struct fm_request *request, const struct fm_id *job)
{
    struct fm_reader_lookup *lookup = &request->lookup;
    struct fm_reader_lookup again = {
        .has_digest = lookup->has_digest,
        .account = lookup->account,
        .wants_job = !fm_id_is_zero(job),
        .job = *job,
        .wants_counts = (request->route->flags & FM_ROUTE_COUNTS) != 0,
        .done = wake_lookup,
        .context = request,
    };
    memcpy(again.digest, lookup->digest, sizeof(again.digest));
    if (request->has_lookup) {
        fm_reader_lookup_done(lookup);
    }
    *lookup = again;
    request->has_lookup = true;
    fm_suspend_begin(&request->wait, request->exchange);
    fm_reader_look_up(request->front->reader, lookup);
    return FM_STEP_WAIT;
}

static const char *copy_of(struct fm_arena *arena, const struct fm_db_call *call, size_t i)
{
    const char *parameter = call->parameters[i];
    if (parameter == NULL) {
        return NULL;
    }
    bool is_array = call->lengths != NULL && call->lengths[i] > 0;
    size_t length = is_array ? (size_t)call->lengths[i] : strlen(parameter) + 1;
    return memcpy(fm_arena_alloc(arena, length), parameter, length);
}

enum fm_step fm_lookup_query(struct fm_request *request, const struct fm_db_call *call)
{
    struct fm_arena *arena = &request->arena;
    struct fm_reader_query *query = &request->query;
    const char **copies = fm_arena_alloc(arena, (call->count + 1) * sizeof(*copies));
    int *lengths = fm_arena_alloc(arena, (call->count + 1) * sizeof(*lengths));
    for (size_t i = 0; i < call->count; i++) {
        copies[i] = copy_of(arena, call, i);
        lengths[i] = call->lengths == NULL ? 0 : call->lengths[i];
    }
    fm_db_rows_destroy(&query->rows);
    *query = (struct fm_reader_query){
        .call = {.sql = call->sql, .parameters = copies, .lengths = lengths, .count = call->count},
        .done = wake_query,
        .context = request};
    fm_suspend_begin(&request->wait, request->exchange);
    fm_reader_query(request->front->reader, query);
    return FM_STEP_WAIT;
}

bool fm_lookup_is_known(const struct fm_request *request, struct fm_error *err)
{
    if (request->lookup.failure != FM_NONE) {
        return fm_fail(err, FM_UNAVAILABLE, "reader: no answer");
    }
    return !request->lookup.has_digest || request->lookup.has_key ||
           fm_fail(err, FM_INVALID_TOKEN, "auth: unknown, expired or revoked");
}

void fm_lookup_forget(struct fm_request *request)
{
    if (request->has_lookup) {
        fm_reader_lookup_done(&request->lookup);
    }
}

void fm_lookup_done(struct fm_request *request)
{
    fm_lookup_forget(request);
    fm_db_rows_destroy(&request->query.rows);
}
