/*
 * Receives an output from a worker: PUT /store/… (store_put in route.def), only from this machine,
 * by a URL signed for one key, size and SHA-256. Streams the bytes into the store, which keeps them
 * only if size and digest match. For any other host the path does not exist (404).
 * Before: worker/transfer/deliver.c, which sends the PUT, and request/, which routes it. After:
 * 201, and the object is in the store under its key. Touches no database.
 * Threads: the request's front thread writes the bytes; the last step, with its fsync, runs on a
 * disk thread.
 */
#include <string.h>
#include <strings.h>

#include "broker/api/act.h"
#include "broker/config/settings.h"
#include "broker/request/reply.h"
#include "broker/store/signed_url.h"
#include "broker/store/store.h"
#include "common/clock.h"
#include "common/thread_pool.h"

enum stage { STAGE_START, STAGE_RECEIVING, STAGE_FINISHING };

struct upload {
    struct fm_suspend *wait; /* the request's */
    struct fm_store_put *put;
    struct fm_error err; /* set by finish(), on the disk thread */
    struct fm_thread_pool_task task;
};

static void upload_done(struct fm_request *request)
{
    struct upload *upload = request->act;
    fm_store_put_abort(&upload->put);
    fm_memory_release(&upload);
    request->act = NULL;
}

/* True for a request from loopback, or from the very address that we listen on, which no other host
 * has. A request with any forwarding header came through a proxy, for another host. */
static bool is_from_here(const struct fm_request *request)
{
    size_t count = 0, total = 0;
    const struct fm_http_header *headers = fm_http_headers(request->exchange, &count, &total);
    for (size_t i = 0; i < count; i++) {
        bool is_forwarded =
            (headers[i].name.length >= 11 &&
             strncasecmp(headers[i].name.data, "x-forwarded", 11) == 0) ||
            (headers[i].name.length == 9 && strncasecmp(headers[i].name.data, "forwarded", 9) == 0);
        if (is_forwarded) {
            return false;
        }
    }
    const struct fm_address *peer = fm_http_peer(request->exchange);
    struct fm_address_rule listen;
    return fm_address_is_loopback(peer) ||
           (fm_address_rule_parse(request->front->settings->listen, &listen, NULL) &&
            fm_address_is_in(peer, &listen));
}

static enum fm_step refuse_upload(struct fm_request *request, const struct fm_error *err)
{
    fm_http_close_after(request->exchange);
    return fm_reply_error(request, err);
}

/* Called by the HTTP server with each part of the body. */
static bool receive_part(struct fm_http_exchange *exchange, struct fm_slice bytes)
{
    struct fm_request *request = fm_http_user(exchange);
    struct upload *upload = request->act;
    struct fm_error err = {0};
    if (!fm_store_put_write(upload->put, bytes.data, bytes.length, &err)) {
        (void)refuse_upload(request, &err);
        return false;
    }
    return true;
}

/* To other hosts this path must look as if it did not exist. */
static bool begin(struct fm_request *request, struct fm_store_object *object, struct fm_error *err)
{
    const struct fm_gate_target *target = &request->target;
    const char *path = strstr(target->path, "store/");
    if (!is_from_here(request) || path == NULL) {
        return fm_fail_param(err, FM_NOT_FOUND, NULL, "There is nothing at this path");
    }
    if (!fm_signed_url_store_check(request->front->signed_url, path + strlen("store/"),
                                   target->query, fm_clock_wall_us() / 1000000, object, err)) {
        return false;
    }
    if (target->has_length && target->content_length != (uint64_t)object->size_bytes) {
        return fm_fail_param(err, FM_INVALID_REQUEST, NULL,
                             "Content-Length differs from the size in the URL");
    }
    return true;
}

static enum fm_step start_upload(struct fm_request *request)
{
    struct fm_store_object object = {0};
    struct fm_error err = {0};
    if (!begin(request, &object, &err)) {
        return refuse_upload(request, &err);
    }
    struct upload *upload = fm_alloc(sizeof(*upload));
    upload->wait = &request->wait;
    request->act = upload;
    request->act_done = upload_done;
    if (!fm_store_put_start(request->front->store, &object, &upload->put, &err)) {
        return refuse_upload(request, &err);
    }
    request->stage = STAGE_RECEIVING;
    fm_http_stream(request->exchange, object.size_bytes, receive_part);
    return FM_STEP_WAIT;
}

/* On a disk thread, because fsync may take long. */
static void finish(struct fm_thread_pool_task *task, unsigned thread)
{
    struct upload *upload = fm_container_of(task, struct upload, task);
    (void)thread;
    (void)!fm_store_put_finish(&upload->put, &upload->err);
    fm_suspend_wake(upload->wait);
}

/* Suspends before it posts (suspend.h); if the post is refused, the wake is ours. */
static enum fm_step begin_finish(struct fm_request *request)
{
    struct upload *upload = request->act;
    upload->task.run = finish;
    request->stage = STAGE_FINISHING;
    fm_suspend_begin(&request->wait, request->exchange);
    if (!fm_thread_pool_post(request->disk_threads, &upload->task)) {
        fm_fail(&upload->err, FM_UNAVAILABLE, "upload: too many wait for the disk");
        fm_suspend_wake(&request->wait);
    }
    return FM_STEP_WAIT;
}

static enum fm_step reply_stored(struct fm_request *request)
{
    struct upload *upload = request->act;
    struct fm_text body = {0};
    if (upload->err.code != FM_NONE) {
        return refuse_upload(request, &upload->err);
    }
    fm_text_append(&body, "{}");
    return fm_reply_json(request, 201, &body);
}

enum fm_step fm_upload_act(struct fm_request *request)
{
    static enum fm_step (*const stages[])(struct fm_request *) = {[STAGE_START] = start_upload,
                                                                  [STAGE_RECEIVING] = begin_finish,
                                                                  [STAGE_FINISHING] = reply_stored};
    return stages[request->stage](request);
}
