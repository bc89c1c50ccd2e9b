/*
 * Runs a request of either door: a chain of hops, each of which is one libcurl transfer. The loop
 * that drives a transfer is this file's own, so that deadline, stall and on_tick are checked every
 * tenth of a second whatever libcurl waits for. libcurl never follows a redirect itself: each hop's
 * URL passes fm_url_parse, and each address that a name resolves to passes open_socket() in
 * door_wire.c.
 */
#include "common/door.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/door_field.h"
#include "common/door_policy.h"
#include "common/door_wire.h"
#include "common/memory.h"
#include "common/url.h"

#define REDIRECT_LIMIT 5
#define TICK_MS 100 /* the longest sleep of the loop */
/* Once all announced bytes are here, a server that was asked to close the connection gets this long
 * to do so; more bytes in that time are an error. */
#define CLOSE_GRACE_MS 500

/* ---- doors ---- */

/* libcurl wants its global state made once, before the first handle of any thread. */
static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        abort();
    }
}

static struct fm_door *make_door(bool is_store)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    struct fm_door *door = fm_alloc(sizeof(*door));
    door->is_store = is_store;
    door->multi = curl_multi_init();
    door->easy = curl_easy_init();
    if (door->multi == NULL || door->easy == NULL) {
        abort();
    }
    return door;
}

struct fm_door *fm_door_new_untrusted(const struct fm_address_policy *policy)
{
    struct fm_door *door = make_door(false);
    door->policy = fm_door_policy_copy(policy);
    return door;
}

struct fm_door *fm_door_new_store(const char *const *origins, size_t count, const char *pin)
{
    struct fm_door *door = make_door(true);
    door->pin = fm_strdup(pin);
    door->origins = fm_alloc_array(count, sizeof(*door->origins));
    for (size_t i = 0; i < count; i++) {
        /* Normalised as each request's URL will be, so that strcmp can compare them. */
        FM_AUTO(fm_url_done) struct fm_url url = {0};
        if (fm_url_parse(origins[i], &url, NULL)) {
            door->origins[door->origin_count++] = fm_strdup(url.origin);
        }
    }
    return door;
}

void fm_door_destroy(struct fm_door **door)
{
    struct fm_door *old = *door;
    if (old == NULL) {
        return;
    }
    curl_easy_cleanup(old->easy);
    curl_multi_cleanup(old->multi);
    fm_address_policy_done(&old->policy);
    for (size_t i = 0; i < old->origin_count; i++) {
        free(old->origins[i]);
    }
    free(old->origins);
    free(old->pin);
    free(old);
    *door = NULL;
}

static bool is_named_origin(const struct fm_door *door, const char *origin)
{
    for (size_t i = 0; i < door->origin_count; i++) {
        if (strcmp(door->origins[i], origin) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- one hop ---- */

/* Bytes of the body as they came over the wire, before decoding: what Content-Length counts. */
static int64_t raw_bytes(const struct fm_door_transfer *transfer)
{
    curl_off_t bytes = 0;
    curl_easy_getinfo(transfer->door->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    return bytes;
}

/* True once the TCP connection stands. Silence after that means a slow source (SOURCE_TIMEOUT),
 * silence before it an unreachable one (SOURCE_BLOCKED). */
static bool is_connected(const struct fm_door_transfer *transfer)
{
    curl_off_t took_us = 0;
    curl_easy_getinfo(transfer->door->easy, CURLINFO_CONNECT_TIME_T, &took_us);
    return took_us > 0;
}

/* True if the whole announced body is here although the server, asked to close, keeps the
 * connection open. */
static bool has_whole_body(const struct fm_door_transfer *transfer, int64_t now_ms)
{
    const struct fm_door_head *head = &transfer->head;
    return fm_door_wire_is_get(transfer) && head->is_complete && head->announced_bytes >= 0 &&
           now_ms - transfer->active_ms >= CLOSE_GRACE_MS &&
           raw_bytes(transfer) == head->announced_bytes;
}

static void call_on_tick(struct fm_door_transfer *transfer, int64_t now_ms)
{
    const struct fm_door_request *request = transfer->request;
    struct fm_error err = {0};
    transfer->tick_ms = now_ms + TICK_MS;
    if (request->on_tick != NULL && !request->on_tick(request->context, &err)) {
        fm_door_wire_end_with(transfer, &err);
    }
}

/* Checks all that ends a hop from this side: on_tick, the deadline, the stall limit. */
static bool is_over(struct fm_door_transfer *transfer)
{
    const struct fm_door_request *request = transfer->request;
    int64_t now_ms = fm_clock_ms();
    if (now_ms >= transfer->tick_ms) {
        call_on_tick(transfer, now_ms);
    }
    if (now_ms >= request->deadline_ms) {
        fm_door_wire_end(transfer, FM_SOURCE_TIMEOUT, "the deadline passed");
    } else if (has_whole_body(transfer, now_ms)) {
        transfer->is_settled = true;
    } else if (request->stall_ms > 0 && now_ms - transfer->active_ms >= request->stall_ms) {
        bool is_slow = is_connected(transfer);
        fm_door_wire_end(transfer, is_slow ? FM_SOURCE_TIMEOUT : FM_SOURCE_BLOCKED,
                         "no byte arrived within the stall limit");
    }
    return transfer->has_failed || transfer->is_settled;
}

static CURLcode drive_hop(struct fm_door_transfer *transfer)
{
    struct fm_door *door = transfer->door;
    CURLcode code = CURLE_RECV_ERROR; /* until libcurl reports how the hop ended */
    int running = 1;
    int queued = 0;
    if (curl_multi_add_handle(door->multi, door->easy) != CURLM_OK) {
        abort();
    }
    while (!is_over(transfer)) {
        if (curl_multi_perform(door->multi, &running) != CURLM_OK || running == 0) {
            break;
        }
        int left_ms = fm_clock_left(transfer->request->deadline_ms);
        bool is_near = left_ms >= 0 && left_ms < TICK_MS;
        curl_multi_poll(door->multi, NULL, 0, is_near ? left_ms : TICK_MS, NULL);
    }
    for (const CURLMsg *message = NULL;
         (message = curl_multi_info_read(door->multi, &queued)) != NULL;) {
        code = message->msg == CURLMSG_DONE ? message->data.result : code;
    }
    curl_multi_remove_handle(door->multi, door->easy);
    return code;
}

/* Turns libcurl's result into ours. Refused, blocked, reset and unreachable are the same error, so
 * that nobody can map a network by the answers. */
static bool judge_end(struct fm_door_transfer *transfer, CURLcode code, int64_t came_bytes)
{
    const struct fm_door_head *head = &transfer->head;
    if (transfer->has_failed || transfer->is_settled) {
        return !transfer->has_failed;
    }
    if (code != CURLE_OK || !head->is_complete) {
        fm_door_wire_end(transfer, head->is_complete ? FM_SOURCE_TRUNCATED : FM_SOURCE_BLOCKED,
                         curl_easy_strerror(code));
        return false;
    }
    bool has_body = fm_door_wire_is_get(transfer) && head->answer.status != 204;
    if (has_body && head->announced_bytes >= 0 && came_bytes != head->announced_bytes) {
        fm_door_wire_end(transfer, FM_SOURCE_TRUNCATED,
                         "the body does not have the announced length");
        return false;
    }
    return true;
}

/* One hop, with a fresh head: what an earlier hop sent decides nothing here. */
static bool run_hop(struct fm_door_transfer *transfer)
{
    fm_door_head_done(&transfer->head);
    fm_door_head_init(&transfer->head, transfer->url.path);
    transfer->is_judged = false;
    transfer->is_settled = false;
    transfer->sent_bytes = 0;
    transfer->active_ms = fm_clock_ms();
    fm_door_wire_set(transfer);
    CURLcode code = drive_hop(transfer);
    return judge_end(transfer, code, raw_bytes(transfer));
}

/* ---- the chain ---- */

/* Moves on to the URL of Location. `has_left` never goes back to false: the caller's headers stay
 * stripped even if a later redirect returns to the first origin. */
static bool go_to_location(struct fm_door_transfer *transfer)
{
    struct fm_url next = {0};
    struct fm_error err = {0};
    if (!fm_url_join(&transfer->url, fm_text_get(&transfer->head.location), &next, &err)) {
        fm_door_wire_end(transfer, FM_SOURCE_BLOCKED, err.message);
        return false;
    }
    transfer->has_left = transfer->has_left || strcmp(next.origin, transfer->url.origin) != 0;
    fm_url_done(&transfer->url);
    transfer->url = next;
    return true;
}

static bool follow_redirects(struct fm_door_transfer *transfer)
{
    for (int redirects = 0; run_hop(transfer); redirects++) {
        if (transfer->is_judged) {
            return true;
        }
        if (redirects == REDIRECT_LIMIT) {
            fm_door_wire_end(transfer, FM_TOO_MANY_REDIRECTS, "more than five redirects");
            return false;
        }
        if (!go_to_location(transfer)) {
            return false;
        }
    }
    return false;
}

/* The headers may come from a client: one that could start a line of its own is refused. */
static bool check_request(struct fm_door_transfer *transfer)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST"};
    const struct fm_door_request *request = transfer->request;
    bool is_known = false;
    for (size_t i = 0; i < FM_COUNT(methods); i++) {
        is_known = is_known || strcmp(methods[i], request->method) == 0;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        is_known = is_known && fm_door_field_is_sound(&request->headers[i]);
    }
    if (!is_known) {
        return fm_fail(&transfer->failure, FM_INVALID_PARAMETER,
                       "the method or a header field is not valid");
    }
    if (!fm_url_parse(request->url, &transfer->url, &transfer->failure)) {
        return false;
    }
    if (transfer->door->is_store && !is_named_origin(transfer->door, transfer->url.origin)) {
        return fm_fail(&transfer->failure, FM_SOURCE_BLOCKED, "%s is not an origin of the store",
                       transfer->url.origin);
    }
    return true;
}

bool fm_door_perform(struct fm_door *door, const struct fm_door_request *request,
                     struct fm_door_answer *answer, struct fm_error *err)
{
    struct fm_door_transfer transfer = {.door = door, .request = request};
    fm_door_head_init(&transfer.head, "");
    bool is_done = check_request(&transfer) && follow_redirects(&transfer);
    *answer = transfer.head.answer;
    if (!is_done && err != NULL) {
        *err = transfer.failure;
    }
    curl_slist_free_all(transfer.headers);
    fm_door_head_done(&transfer.head);
    fm_url_done(&transfer.url);
    return is_done;
}
