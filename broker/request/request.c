/*
 * The steps of a request, in order. Only run() at the end calls them: a step that must wait is run
 * again when the request is woken, so the array and `request->step` are all the control flow.
 */
#include "broker/request/request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/config/allow.h"
#include "broker/request/auth.h"
#include "broker/request/client_address.h"
#include "broker/request/lookup.h"
#include "broker/request/reply.h"
#include "broker/request/request_metrics.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/scope.h"
#include "common/thread_pool.h"

#define DISK_THREADS 4         /* fsync and unlink must never block a front thread */
#define DISK_WAITING_MAX 10000 /* tasks; more uploads get 503, more removals wait for the sweep */

/* The HTTP handler's context, shared by all requests of the listener. */
struct service {
    struct fm_front front;
    struct fm_auth_guard *guard;
    struct fm_thread_pool *disk_threads;
    struct fm_client_address_proxies proxies;
};

/* ---- gate ---- */

static void name_request(struct fm_request *request)
{
    const char *given = fm_http_find(request->exchange, "x-request-id");
    uint8_t random[12];
    if (given != NULL && fm_gate_is_request_id(given)) {
        snprintf(request->id, sizeof(request->id), "%s", given);
        return;
    }
    fm_hash_random(random, sizeof(random));
    memcpy(request->id, "req_", 4);
    fm_hash_to_hex(random, sizeof(random), request->id + 4);
}

/* The base of absolute links: the public URL, or else the Host that the client named. Without a
 * slash at its end. */
static char *base_of(const struct fm_request *request)
{
    const char *public_url = request->front->settings->public_url;
    FM_AUTO(fm_text_done) struct fm_text base = {0};
    if (*public_url != '\0') {
        fm_text_append(&base, public_url);
    } else if (*request->target.host != '\0') {
        fm_text_format(&base, "http://%s", request->target.host);
    }
    while (base.length > 0 && base.data[base.length - 1] == '/') {
        base.data[--base.length] = '\0';
    }
    return fm_text_take(&base);
}

static enum fm_step run_gate(struct fm_request *request)
{
    const struct fm_broker_settings *settings = request->front->settings;
    struct fm_error err = {0};
    struct fm_gate_head head = {.method = fm_http_method(request->exchange),
                                .target = fm_http_target(request->exchange),
                                .is_whole = fm_http_is_whole(request->exchange)};
    head.headers = fm_http_headers(request->exchange, &head.count, &head.total);
    name_request(request);
    bool is_fine = fm_gate_check(&head, settings->hosts, settings->public_url, &request->arena,
                                 &request->target, &err);
    request->base = base_of(request);
    if (!is_fine) {
        fm_http_close_after(request->exchange);
        return fm_reply_error(request, &err);
    }
    return FM_STEP_NEXT;
}

/* ---- route ---- */

/* A browser sends OPTIONS before a request with a key (Fetch standard, CORS preflight), and never
 * with the key itself; so none is needed here. */
static enum fm_step answer_options(struct fm_request *request, const char *allow)
{
    fm_http_header(request->exchange, "Allow", allow);
    if (fm_gate_is_api(&request->target)) {
        fm_http_header(request->exchange, "Access-Control-Allow-Methods", allow);
        fm_http_header(request->exchange, "Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, "
                       "Prefer, Range, X-API-Key, X-Request-Id");
        fm_http_header(request->exchange, "Access-Control-Max-Age", "86400");
    }
    return fm_reply_empty(request, 204);
}

/* `allow` has the methods of the path; it is empty if no route has the path. */
static enum fm_step refuse_route(struct fm_request *request, struct fm_text *allow,
                                 struct fm_error *err)
{
    if (!fm_route_is_method(fm_http_method(request->exchange))) {
        fm_fail(err, FM_METHOD_NOT_ALLOWED, "route: unknown method");
        fm_http_close_after(request->exchange);
    }
    if (err->code == FM_METHOD_NOT_ALLOWED) {
        if (allow->length == 0) {
            fm_route_list_methods(allow);
        }
        fm_http_header(request->exchange, "Allow", fm_text_get(allow));
    }
    return fm_reply_error(request, err);
}

static enum fm_step run_route(struct fm_request *request)
{
    FM_AUTO(fm_text_done) struct fm_text allow = {0};
    struct fm_error err = {0};
    const char *method = fm_http_method(request->exchange);
    const struct fm_gate_target *target = &request->target;
    bool is_found = fm_route_find(request->front->routes, method, target, &request->route,
                                  request->values, &allow, &err);
    if (!is_found && strcmp(method, "OPTIONS") == 0 && allow.length > 0) {
        return answer_options(request, fm_text_get(&allow));
    }
    if (!is_found) {
        return refuse_route(request, &allow, &err);
    }
    if (request->route->body_limit > 0 && target->has_length &&
        target->content_length > request->route->body_limit) {
        fm_fail(&err, FM_PAYLOAD_TOO_LARGE, "route: body");
        fm_http_close_after(request->exchange);
        return fm_reply_error(request, &err);
    }
    return FM_STEP_NEXT;
}

/* ---- auth ---- */

/* The client's address. With several fields of this name, the nearest proxy wrote the last. */
static struct fm_address client_of(const struct fm_request *request)
{
    const struct service *service = fm_http_context(request->exchange);
    return fm_client_address_find(&service->proxies, fm_http_peer(request->exchange),
                                  fm_http_find_last(request->exchange, "x-forwarded-for"));
}

static enum fm_step refuse_key(struct fm_request *request, const struct fm_error *err)
{
    if (err->code == FM_INVALID_TOKEN) {
        struct fm_address client = client_of(request);
        fm_auth_guard_count(request->guard, &client, fm_clock_ms());
    }
    return fm_reply_error(request, err);
}

/* The key that the client sent: in Authorization, or else in its alias X-API-Key. Trailing blanks
 * were pasted along with it, and are no part of a field (RFC 9112, 5.1). */
static const char *find_key(struct fm_request *request)
{
    const char *authorization = fm_http_find(request->exchange, "authorization");
    const char *key = authorization != NULL ? fm_auth_bearer(authorization)
                                            : fm_http_find(request->exchange, "x-api-key");
    size_t length = key != NULL ? strlen(key) : 0;
    while (length > 0 && (key[length - 1] == ' ' || key[length - 1] == '\t')) {
        length--;
    }
    return key != NULL ? fm_arena_strndup(&request->arena, key, length) : NULL;
}

/* Checks everything about the key that needs no database, then starts the lookup. The guard stands
 * before the lookup, so that guessing keys costs the database nothing. A path that names no job by
 * its form leaves request->job zero, and run_auth replies with 404 once the key is known. */
static enum fm_step present_key(struct fm_request *request)
{
    struct fm_error err = {0};
    const char *key = find_key(request);
    if (fm_auth_key_in_query(request->target.query)) {
        fm_fail(&err, FM_KEY_IN_URL, "auth: key in the query");
        return fm_reply_error(request, &err);
    }
    if (key == NULL) {
        fm_fail(&err, FM_INVALID_TOKEN, "auth: no key");
        return fm_reply_error(request, &err);
    }
    struct fm_address client = client_of(request);
    request->retry_after_seconds = fm_auth_guard_wait(request->guard, &client, fm_clock_ms());
    if (request->retry_after_seconds > 0) {
        fm_fail(&err, FM_RATE_LIMIT_EXCEEDED, "auth: too many bad keys");
        return fm_reply_error(request, &err);
    }
    if (!fm_key_is_formed(key)) {
        fm_fail(&err, FM_INVALID_TOKEN, "auth: malformed");
        return refuse_key(request, &err);
    }
    request->lookup.has_digest = true;
    fm_auth_key_digest(request->front->secrets, key, request->lookup.digest);
    if ((request->route->flags & FM_ROUTE_JOB) != 0) {
        (void)fm_id_parse(FM_ID_JOB, request->values[0], &request->job);
    }
    return fm_lookup_start(request, &request->job);
}

static enum fm_step run_auth(struct fm_request *request)
{
    struct fm_error err = {0};
    const struct fm_route *route = request->route;
    if ((route->flags & FM_ROUTE_PUBLIC) != 0) {
        return FM_STEP_NEXT;
    }
    if (!request->has_lookup) {
        return present_key(request);
    }
    if (!fm_lookup_is_known(request, &err)) {
        return refuse_key(request, &err);
    }
    if (!fm_scope_check(request->lookup.scopes, route->scope, &err)) {
        return fm_reply_error(request, &err);
    }
    if ((route->flags & FM_ROUTE_JOB) != 0 && !request->lookup.has_job) {
        fm_fail_param(&err, FM_NOT_FOUND, NULL, "No such job");
        return fm_reply_error(request, &err);
    }
    return FM_STEP_NEXT;
}

/* ---- body ---- */

static bool is_encoded(const struct fm_request *request)
{
    const char *coding = fm_http_find(request->exchange, "content-encoding");
    return coding != NULL && strcasecmp(coding, "identity") != 0;
}

/* The body is read only after the key is known and has the scope: no other client makes us hold a
 * body in memory. */
static enum fm_step run_body(struct fm_request *request)
{
    size_t limit = request->route->body_limit;
    struct fm_error err = {0};
    if (limit > 0 && is_encoded(request)) {
        fm_fail_param(&err, FM_UNSUPPORTED_MEDIA_TYPE, NULL,
                      "Send the body as it is, without a Content-Encoding");
        return fm_reply_error(request, &err);
    }
    bool is_taken = limit == 0 || (request->route->flags & FM_ROUTE_STREAM) != 0 ||
                    fm_http_is_received(request->exchange);
    if (is_taken) {
        return FM_STEP_NEXT;
    }
    fm_http_collect(request->exchange, limit);
    return FM_STEP_WAIT;
}

/* ---- validate ---- */

static bool validate_spec(struct fm_request *request, struct fm_error *err)
{
    FM_AUTO(fm_address_policy_done) struct fm_address_policy policy = {0};
    struct fm_validate_input input = {
        .type = (enum fm_type)request->route->type,
        .site = request->values[0],
        .query = request->target.query,
        .content_type = fm_http_find(request->exchange, "content-type"),
        .body = fm_http_body(request->exchange),
        .scopes = request->lookup.scopes,
        .policy = &policy,
        .now_ms = fm_clock_wall_us() / 1000,
    };
    /* A mistake in the allow-list closes the private networks, not the service: the policy is then
     * empty, and so allows public addresses only. */
    if (!fm_allow_read(request->front->settings, &policy, err)) {
        fm_log_failure("allow_list_unread", err);
    }
    return fm_validate_spec(&input, &request->arena, &request->asked, err);
}

/* Reads the spec, or the query of a route without one. A route with a query record of its own reads
 * it in its act, and a public route takes any query. */
static bool validate(struct fm_request *request, struct fm_error *err)
{
    const struct fm_route *route = request->route;
    bool waits = fm_route_waits(route);
    if ((route->flags & FM_ROUTE_PUBLIC) != 0 || (route->query != NULL && !waits)) {
        return true;
    }
    return (route->flags & FM_ROUTE_SPEC) != 0
               ? validate_spec(request, err)
               : fm_validate_query(request->target.query, waits, &request->asked, err);
}

static enum fm_step run_validate(struct fm_request *request)
{
    struct fm_error err = {0};
    if (!validate(request, &err)) {
        return fm_reply_error(request, &err);
    }
    if (request->asked.wait_seconds == FM_VALIDATE_NO_WAIT) {
        request->asked.wait_seconds = fm_validate_prefer(fm_http_find(request->exchange, "prefer"));
    }
    return FM_STEP_NEXT;
}

/* ---- the array ---- */

static enum fm_step run_act(struct fm_request *request)
{
    return request->route->act(request);
}

static enum fm_step (*const steps[])(struct fm_request *request) = {
    run_gate, run_route, run_auth, run_body, run_validate, run_act,
};

/* The request lives until end(); the exchange holds it in between. */
static struct fm_request *request_new(struct fm_http_exchange *exchange)
{
    const struct service *service = fm_http_context(exchange);
    struct fm_request *request = fm_alloc(sizeof(*request));
    request->front = &service->front;
    request->guard = service->guard;
    request->disk_threads = service->disk_threads;
    request->exchange = exchange;
    fm_http_set_user(exchange, request);
    return request;
}

static enum fm_http_next run_request(struct fm_http_exchange *exchange)
{
    struct fm_request *request = fm_http_user(exchange);
    if (request == NULL) {
        request = request_new(exchange);
    }
    assert(fm_suspend_is_over(&request->wait)); /* only the last wake resumes: see suspend.h */
    enum fm_step answer = FM_STEP_NEXT;
    while (answer == FM_STEP_NEXT && request->step < FM_COUNT(steps)) {
        answer = steps[request->step](request);
        request->step += answer == FM_STEP_NEXT ? 1 : 0;
    }
    return answer == FM_STEP_REPLY ? FM_HTTP_REPLY : FM_HTTP_WAIT;
}

/* The path as it may be logged. A signed URL's token is as good as a key, so it is hidden even if
 * the method matched no route. */
static const char *logged_path(const struct fm_request *request)
{
    const char *path = request->target.path;
    if (request->route != NULL && (request->route->flags & FM_ROUTE_PUBLIC) != 0) {
        return request->route->pattern;
    }
    return path != NULL && strstr(path, "v1/files/") != NULL ? "/v1/files/{token}" : path;
}

/* The exchange is over, whether the client has received the reply or left. No fm_suspend_wake is
 * still to come: an exchange suspended by suspend.h does not end. */
static void end(struct fm_http_exchange *exchange)
{
    struct fm_request *request = fm_http_user(exchange);
    if (request == NULL) {
        return;
    }
    fm_log(FM_LOG_INFO, "request", "method=%.16s path=%.200s status=%u ms=%lld request=%s",
           fm_http_method(exchange), logged_path(request), fm_http_status(exchange),
           (long long)fm_http_age_ms(exchange), request->id);
    fm_request_metrics_count(request->front->routes, request->route, fm_http_status(exchange),
                             fm_http_age_us(exchange), request->asked.wait_seconds > 0);
    if (request->act_done != NULL) {
        request->act_done(request);
    }
    fm_lookup_done(request);
    fm_arena_done(&request->arena);
    free(request->base);
    free(request);
    fm_http_set_user(exchange, NULL);
}

/* After the last request: waits for the tasks that the disk threads still have. */
static void closed(void *context)
{
    struct service *service = context;
    fm_thread_pool_destroy(&service->disk_threads);
    fm_auth_guard_destroy(&service->guard);
    fm_client_address_proxies_done(&service->proxies);
    free(service);
}

bool fm_request_open(const struct fm_front *front, struct fm_http **http, struct fm_error *err)
{
    struct service *service = fm_alloc(sizeof(*service));
    struct fm_http_options options = {
        .listen = front->settings->listen,
        .threads = (unsigned)front->settings->front_threads,
        .max_connections = (unsigned)front->settings->max_connections,
        .limits = {.head_s = (unsigned)front->settings->head_seconds,
                   .body_s = (unsigned)front->settings->body_seconds,
                   .idle_s = (unsigned)front->settings->idle_seconds,
                   .request_s = (unsigned)front->settings->request_seconds},
    };
    struct fm_http_handler handler = {service, run_request, end, closed};
    service->front = *front;
    service->guard = fm_auth_guard_new();
    service->disk_threads = fm_thread_pool_new("disk", DISK_THREADS, DISK_WAITING_MAX);
    if (!fm_client_address_proxies_read(front->settings->trusted_proxies, &service->proxies, err) ||
        !fm_http_open(&options, &handler, http, err)) {
        closed(service);
        return false;
    }
    return true;
}
