/*
 * Files are uploaded one after another. A signed URL may expire, be refused, or belong to a store
 * that has moved, at any time; so URLs are requested again whenever one is missing, and every wait
 * handles the worker's messages.
 */
#include "worker/transfer/deliver.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"

/* How long an upload may stand still: the store syncs the file before it answers, behind the files
 * of others and perhaps on a slow disk, and to send all of it again would make that worse. */
#define STALL_MS 600000
#define TRIES 5

struct delivery {
    struct fm_line *line;
    struct fm_deliver_result *result;
    const int *fds; /* the packet's, one a file */
    struct fm_deliver_timing timing;
    char *urls[FM_DELIVER_FILES]; /* signed; NULL: has to be requested */
    bool is_stored[FM_DELIVER_FILES];
    struct fm_door *door;
    const char *sent_to;    /* the URL of the upload that is running */
    unsigned door_changes;  /* the line's `changes` when the door was made */
    int64_t ask_again_ms;   /* when URLs are requested again; 0: at once */
    unsigned asked_changes; /* the line's `changes` when URLs were last requested */
};

static void finish_delivery(struct delivery *delivery)
{
    fm_door_destroy(&delivery->door);
    for (size_t i = 0; i < FM_DELIVER_FILES; i++) {
        free(delivery->urls[i]);
    }
}

static bool hash_files(struct delivery *delivery, struct fm_error *err)
{
    struct fm_deliver_result *result = delivery->result;
    for (size_t i = 0; i < result->count; i++) {
        int64_t size_bytes = 0;
        if (!fm_file_sha256(delivery->fds[i], result->sha256[i], &size_bytes, err)) {
            return false;
        }
        result->files[i].size_bytes = (uint64_t)size_bytes;
        result->files[i].sha256 = (struct fm_slice){(const char *)result->sha256[i], 32};
    }
    return true;
}

/* In bytes of whole files: a file counts once the store has it. */
static void report_progress(const struct delivery *delivery)
{
    const struct fm_deliver_result *result = delivery->result;
    double total = 0;
    double stored = 0;
    for (size_t i = 0; i < result->count; i++) {
        double size = (double)result->files[i].size_bytes;
        total += size;
        stored += delivery->is_stored[i] ? size : 0;
    }
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    message.progress.stage = FM_STAGE_DELIVER;
    message.progress.percent = total > 0 ? 100.0 * stored / total : 0;
    fm_line_progress(delivery->line, &message.progress);
    fm_message_done(&message);
}

/* ---- signed URLs ---- */

/* Requests URLs for all files that are not stored yet, so that one UPLOAD renews them all. */
static bool request_urls(struct delivery *delivery, struct fm_error *err)
{
    struct fm_file_facts wanted[FM_DELIVER_FILES];
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_WANT_UPLOAD);
    message.want_upload.files.items = wanted;
    for (size_t i = 0; i < delivery->result->count; i++) {
        if (!delivery->is_stored[i]) {
            const struct fm_file_facts *file = &delivery->result->files[i];
            struct fm_file_facts *want = &wanted[message.want_upload.files.count++];
            fm_pack_defaults(&fm_record_file_facts, want);
            want->name = file->name;
            want->extension = file->extension;
            want->content_type = file->content_type;
            want->size_bytes = file->size_bytes;
            want->sha256 = file->sha256;
        }
    }
    delivery->ask_again_ms = fm_clock_ms() + delivery->timing.ask_again_ms;
    delivery->asked_changes = delivery->line->changes;
    bool is_sent = fm_line_send(delivery->line, &message, -1, err);
    fm_message_done(&message);
    return is_sent;
}

/* Matches by name, because an UPLOAD that answers an earlier request may come late and list files
 * that are stored by now. */
static void adopt_urls(struct delivery *delivery, const struct fm_upload *upload)
{
    const struct fm_upload_place *places = upload->places.items;
    for (size_t p = 0; p < upload->places.count; p++) {
        for (size_t i = 0; i < delivery->result->count; i++) {
            const char *name = delivery->result->files[i].name;
            if (places[p].name != NULL && places[p].url != NULL &&
                strcmp(places[p].name, name) == 0) {
                free(delivery->urls[i]);
                delivery->urls[i] = fm_strdup(places[p].url);
            }
        }
    }
}

/* Waits for one message until `until_ms`. ORIGINS is handled inside the line; besides it only
 * UPLOAD may come. */
static bool handle_message(struct delivery *delivery, int64_t until_ms, struct fm_error *err)
{
    struct fm_line_packet packet;
    bool is_in_turn = true;
    if (!fm_line_receive_once(delivery->line, until_ms, &packet, err)) {
        return false;
    }
    if (packet.has_message && packet.message.type == FM_MESSAGE_UPLOAD) {
        adopt_urls(delivery, &packet.message.upload);
    } else if (packet.has_message) {
        is_in_turn = fm_fail(err, FM_PROTOCOL, "%s came during the delivery",
                             fm_message_name(packet.message.type));
    }
    fm_line_packet_done(&packet);
    return is_in_turn;
}

/* A broker that restarts forgets the request. It is repeated when the worker has connected to a
 * broker again (which ORIGINS shows), and from time to time. */
static bool must_ask_again(const struct delivery *delivery)
{
    return fm_clock_ms() >= delivery->ask_again_ms ||
           delivery->asked_changes != delivery->line->changes;
}

/* Until the file has a URL or the attempt is over. */
static bool wait_for_url(struct delivery *delivery, size_t index, struct fm_error *err)
{
    int64_t deadline_ms = delivery->line->deadline_ms;
    while (delivery->urls[index] == NULL) {
        if (fm_clock_ms() >= deadline_ms) {
            return fm_fail(err, FM_DEADLINE_EXCEEDED, "deliver: no URL came");
        }
        if (must_ask_again(delivery) && !request_urls(delivery, err)) {
            return false;
        }
        int64_t until_ms = delivery->ask_again_ms;
        if (!handle_message(delivery, until_ms < deadline_ms ? until_ms : deadline_ms, err)) {
            return false;
        }
    }
    return true;
}

/* ---- one file ---- */

/* Whether the upload that is running goes to a store which the worker's present broker does not
 * use: the worker has connected to another broker meanwhile. */
static bool has_store_moved(const struct delivery *delivery)
{
    const struct fm_line *line = delivery->line;
    bool is_reachable = delivery->door_changes == line->changes;
    for (size_t i = 0; !is_reachable && i < line->store_count; i++) {
        is_reachable = fm_text_starts(delivery->sent_to, line->store_origins[i]);
    }
    return !is_reachable;
}

/* During an upload: sends progress, handles messages, and breaks off an upload to the wrong store.
 */
static bool serve_line(void *context, struct fm_error *err)
{
    struct delivery *delivery = context;
    report_progress(delivery);
    return handle_message(delivery, 0, err) &&
           (!has_store_moved(delivery) ||
            fm_fail(err, FM_SOURCE_TRUNCATED, "the store has moved to another origin"));
}

/* The door may reach the store's origins only, and those change with the broker: after ORIGINS a
 * new door is made. The delivery owns it. */
static struct fm_door *refresh_store_door(struct delivery *delivery)
{
    if (delivery->door == NULL || delivery->door_changes != delivery->line->changes) {
        fm_door_destroy(&delivery->door);
        delivery->door = fm_line_store_door(delivery->line);
        delivery->door_changes = delivery->line->changes;
    }
    return delivery->door;
}

static bool send_file(struct delivery *delivery, size_t index, const char *url,
                      struct fm_error *err)
{
    const struct fm_file_facts *file = &delivery->result->files[index];
    struct fm_door_answer answer = {0};
    const struct fm_door_header type = {"Content-Type", file->content_type};
    const struct fm_door_request request = {
        .method = "PUT",
        .url = url,
        .headers = &type,
        .header_count = file->content_type != NULL ? 1 : 0,
        .deadline_ms = delivery->line->deadline_ms,
        .stall_ms = STALL_MS,
        .body_fd = delivery->fds[index],
        .body_bytes = (int64_t)file->size_bytes,
        .context = delivery,
        .on_tick = serve_line,
    };
    delivery->sent_to = url;
    return fm_door_perform(refresh_store_door(delivery), &request, &answer, err);
}

/* After a timeout or a "try later" the same URL will do. After any other error a new one is
 * requested at once. This includes a connection that broke: a store that refuses a long body may
 * close it before its response is read, so the URL may have expired. */
static bool is_url_still_valid(enum fm_error_code code)
{
    return code == FM_SOURCE_TIMEOUT || code == FM_SOURCE_RATE_LIMITED;
}

/* The URL is taken out of `urls` while it is in use, because an UPLOAD with a newer one may come
 * meanwhile; the newer one is kept. */
static bool try_put_file(struct delivery *delivery, size_t index, struct fm_error *err)
{
    FM_AUTO_FREE char *url = fm_steal(delivery->urls[index]);
    fm_fault("put_unsent");
    if (send_file(delivery, index, url, err)) {
        fm_fault("put_done");
        delivery->is_stored[index] = true;
        return true;
    }
    if (delivery->urls[index] == NULL && is_url_still_valid(err->code)) {
        delivery->urls[index] = fm_steal(url);
    } else if (delivery->urls[index] == NULL) {
        delivery->ask_again_ms = 0;
    }
    return false;
}

/* Messages are handled during the pause. */
static bool pause_before_retry(struct delivery *delivery, int try, struct fm_error *err)
{
    int64_t until_ms = fm_clock_ms() + (delivery->timing.first_pause_ms << try);
    while (fm_clock_ms() < until_ms) {
        if (!handle_message(delivery, until_ms, err)) {
            return false;
        }
    }
    return true;
}

/* Stores one file, with all its tries. */
static bool put_file(struct delivery *delivery, size_t index, struct fm_error *err)
{
    struct fm_error why;
    for (int try = 0;; try++) {
        if (!wait_for_url(delivery, index, err)) {
            return false;
        }
        if (try_put_file(delivery, index, &why)) {
            return true;
        }
        if (why.code == FM_PROTOCOL) {
            return fm_fail(err, FM_PROTOCOL, "%s", why.detail);
        }
        if (try + 1 >= TRIES || fm_clock_ms() >= delivery->line->deadline_ms) {
            return fm_fail(err, FM_DELIVER_FAILED, "%s: %s", delivery->result->files[index].name,
                           why.detail);
        }
        fm_log(FM_LOG_DEBUG, "put_again", "try=%d error=%s", try + 1,
               fm_error_row(why.code)->public_code);
        if (!pause_before_retry(delivery, try, err)) {
            return false;
        }
    }
}

/* ---- all files ---- */

/* Checks DELIVER and copies its list; the texts stay the packet's. */
static bool read_files(const struct fm_line_packet *packet, struct fm_deliver_result *result,
                       struct fm_error *err)
{
    const struct fm_list *files = &packet->message.deliver.files;
    const struct fm_file_facts *items = files->items;
    if (files->count != packet->fd_count || files->count > FM_DELIVER_FILES) {
        return fm_fail(err, FM_PROTOCOL, "DELIVER names %zu files but came with %zu descriptors",
                       files->count, packet->fd_count);
    }
    for (size_t i = 0; i < files->count; i++) {
        if (items[i].name == NULL) {
            return fm_fail(err, FM_PROTOCOL, "a file in DELIVER has no name");
        }
        result->files[i] = items[i];
    }
    result->count = files->count;
    return true;
}

bool fm_deliver_run(struct fm_line *line, const struct fm_line_packet *packet,
                    struct fm_deliver_timing timing, struct fm_deliver_result *result,
                    struct fm_error *err)
{
    FM_AUTO(finish_delivery)
    struct delivery delivery = {
        .line = line, .result = result, .fds = packet->fds, .timing = timing};
    *result = (struct fm_deliver_result){0};
    if (!read_files(packet, result, err) || !hash_files(&delivery, err)) {
        return false;
    }
    for (size_t i = 0; i < result->count; i++) {
        report_progress(&delivery);
        if (!put_file(&delivery, i, err)) {
            return false;
        }
    }
    report_progress(&delivery);
    return true;
}
