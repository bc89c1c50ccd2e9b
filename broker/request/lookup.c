/* A request's reads, each of which suspends it until its answer: see lookup.h. */
#include "broker/request/lookup.h"

#include <string.h>

#include "broker/db/db.h"
#include "common/clock.h"

static void wake(struct fm_request *request)
{
    struct fm_http_exchange *exchange = request->exchange;
    atomic_store(&request->is_answered, true);
    fm_http_resume(exchange);
    fm_http_release(exchange);
}

/* Suspended before the question is put: its answer may come at once. */
static void suspend(struct fm_request *request)
{
    atomic_store(&request->is_answered, false);
    fm_http_wait(request->exchange, FM_CLOCK_NEVER);
    fm_http_hold(request->exchange);
}

static void take_look(struct fm_reader_lookup *look)
{
    wake(look->context);
}

static void take_query(struct fm_reader_query *query)
{
    wake(query->context);
}

void fm_lookup_start(struct fm_request *request, const struct fm_id *job)
{
    struct fm_reader_lookup *look = &request->look;
    struct fm_reader_lookup again = {
        .has_digest = look->has_digest,
        .account = look->account,
        .wants_job = !fm_id_is_zero(job),
        .job = *job,
        .wants_counts = (request->route->flags & FM_ROUTE_COUNTS) != 0,
        .done = take_look,
        .context = request,
    };
    memcpy(again.digest, look->digest, sizeof(again.digest));
    if (request->has_asked) {
        fm_reader_lookup_done(look);
    }
    *look = again;
    request->has_asked = true;
    suspend(request);
    fm_reader_look_up(request->front->reader, look);
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

void fm_lookup_query(struct fm_request *request, const struct fm_db_call *call)
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
        .done = take_query,
        .context = request};
    suspend(request);
    fm_reader_query(request->front->reader, query);
}

bool fm_lookup_is_waiting(struct fm_request *request)
{
    if (atomic_load(&request->is_answered)) {
        return false;
    }
    /* Suspended first, looked at again after: an answer in between is not slept through. */
    fm_http_wait(request->exchange, FM_CLOCK_NEVER);
    if (atomic_load(&request->is_answered)) {
        fm_http_resume(request->exchange);
    }
    return true;
}

bool fm_lookup_is_known(const struct fm_request *request, struct fm_error *err)
{
    if (request->look.failure != FM_NONE) {
        return fm_fail(err, FM_UNAVAILABLE, "reader: no answer");
    }
    return !request->look.has_digest || request->look.has_key ||
           fm_fail(err, FM_INVALID_TOKEN, "auth: unknown, expired or revoked");
}

void fm_lookup_forget(struct fm_request *request)
{
    if (request->has_asked) {
        fm_reader_lookup_done(&request->look);
    }
}

void fm_lookup_done(struct fm_request *request)
{
    fm_lookup_forget(request);
    fm_db_rows_destroy(&request->query.rows);
}
