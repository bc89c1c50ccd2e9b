/*
 * Everything that waits for the worker goes through receive_packet, and ORIGINS is handled in one
 * place behind it, so the policy is up to date whatever the child was waiting for.
 */
#include "worker/transfer/line.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"

#define PROGRESS_INTERVAL_MS 500

static void drop_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

void fm_line_init(struct fm_line *line, int fd)
{
    *line = (struct fm_line){.deadline_ms = FM_CLOCK_NEVER};
    line->channel = fm_channel_new(fd, FM_FROM_WORKER);
}

void fm_line_done(struct fm_line *line)
{
    fm_channel_destroy(&line->channel);
    fm_address_policy_done(&line->policy);
    drop_texts(line->store_origins, line->store_count);
    free(line->pin);
    *line = (struct fm_line){0};
}

void fm_line_packet_done(struct fm_line_packet *packet)
{
    if (packet->has_message) {
        fm_message_done(&packet->message);
    }
    for (size_t i = 0; i < packet->fd_count; i++) {
        fm_file_close(&packet->fds[i]);
    }
    packet->has_message = false;
    packet->fd_count = 0;
}

/* Parses a list of address rules and puts it in place of the old one. If a rule cannot be read, the
 * old list stays. */
static bool read_rules(const struct fm_list *list, struct fm_address_rule **rules, size_t *count,
                       struct fm_error *err)
{
    const struct fm_word *words = list->items;
    FM_AUTO_FREE struct fm_address_rule *made = fm_alloc_array(list->count, sizeof(*made));
    for (size_t i = 0; i < list->count; i++) {
        if (words[i].text == NULL || !fm_address_rule_parse(words[i].text, &made[i], err)) {
            return fm_fail(err, FM_PROTOCOL, "an address rule cannot be read");
        }
    }
    free(*rules);
    *rules = fm_steal(made);
    *count = list->count;
    return true;
}

/* The store's origins, and the pin of its certificate (NULL: none). */
static void replace_store(struct fm_line *line, const struct fm_list *origins, const char *pin)
{
    const struct fm_word *words = origins->items;
    drop_texts(line->store_origins, line->store_count);
    free(line->pin);
    line->store_origins = fm_alloc_array(origins->count, sizeof(*line->store_origins));
    line->store_count = 0;
    line->pin = fm_strdup(pin);
    for (size_t i = 0; i < origins->count; i++) {
        if (words[i].text != NULL) {
            line->store_origins[line->store_count++] = fm_strdup(words[i].text);
        }
    }
    line->changes++;
}

bool fm_line_apply_fetch(struct fm_line *line, const struct fm_fetch *fetch, struct fm_error *err)
{
    struct fm_address_policy *policy = &line->policy;
    if (!read_rules(&fetch->allow, &policy->allow, &policy->allow_count, err) ||
        !read_rules(&fetch->own, &policy->own, &policy->own_count, err)) {
        return false;
    }
    replace_store(line, &fetch->store_origins, fetch->pin);
    line->deadline_ms = fm_clock_ms() + (int64_t)fetch->time_ms;
    return true;
}

static bool apply_origins(struct fm_line *line, const struct fm_origins *origins,
                          struct fm_error *err)
{
    if (!read_rules(&origins->own, &line->policy.own, &line->policy.own_count, err)) {
        return false;
    }
    replace_store(line, &origins->store_origins, origins->pin);
    return true;
}

struct fm_door *fm_line_untrusted_door(const struct fm_line *line)
{
    return fm_door_new_untrusted(&line->policy);
}

struct fm_door *fm_line_store_door(const struct fm_line *line)
{
    /* The cast only adds const, at a depth where C does not do so by itself. */
    const char *const *origins = (const char *const *)line->store_origins;
    return fm_door_new_store(origins, line->store_count, line->pin);
}

/* Receives one packet, whatever its type; true without a message if the time is over. */
static bool receive_packet(struct fm_line *line, int wait_ms, struct fm_line_packet *packet,
                           struct fm_error *err)
{
    struct fm_error why = {0};
    *packet = (struct fm_line_packet){0};
    switch (fm_channel_receive(line->channel, wait_ms, &packet->message, packet->fds,
                               &packet->fd_count, &why)) {
    case FM_CHANNEL_MESSAGE:
        packet->has_message = true;
        return true;
    case FM_CHANNEL_NOTHING:
        packet->fd_count = 0;
        return true;
    case FM_CHANNEL_CLOSED:
        return fm_fail(err, FM_PROTOCOL, "the worker closed the channel");
    case FM_CHANNEL_BROKEN:
        break;
    }
    return fm_fail(err, FM_PROTOCOL, "the channel broke: %s", why.detail);
}

bool fm_line_receive_once(struct fm_line *line, int64_t until_ms, struct fm_line_packet *packet,
                          struct fm_error *err)
{
    if (!receive_packet(line, fm_clock_left(until_ms), packet, err)) {
        return false;
    }
    if (!packet->has_message || packet->message.type != FM_MESSAGE_ORIGINS) {
        return true;
    }
    bool is_taken = apply_origins(line, &packet->message.origins, err);
    fm_line_packet_done(packet);
    packet->has_message = false;
    return is_taken;
}

bool fm_line_receive(struct fm_line *line, int64_t until_ms, struct fm_line_packet *packet,
                     struct fm_error *err)
{
    unsigned changes;
    do {
        changes = line->changes;
        if (!fm_line_receive_once(line, until_ms, packet, err)) {
            return false;
        }
    } while (line->changes != changes);
    return true;
}

bool fm_line_expect(struct fm_line *line, enum fm_message_type type, struct fm_line_packet *packet,
                    struct fm_error *err)
{
    if (!fm_line_receive(line, line->deadline_ms, packet, err)) {
        return false;
    }
    if (!packet->has_message) {
        return fm_fail(err, FM_DEADLINE_EXCEEDED, "the deadline passed while waiting for %s",
                       fm_message_name(type));
    }
    if (packet->message.type != type) {
        const char *name = fm_message_name(packet->message.type);
        fm_line_packet_done(packet);
        return fm_fail(err, FM_PROTOCOL, "%s came instead of %s", name, fm_message_name(type));
    }
    return true;
}

bool fm_line_wait(struct fm_line *line, int64_t until_ms, struct fm_error *err)
{
    struct fm_line_packet packet;
    if (!fm_line_receive(line, until_ms, &packet, err)) {
        return false;
    }
    if (!packet.has_message) {
        return true;
    }
    const char *name = fm_message_name(packet.message.type);
    fm_line_packet_done(&packet);
    return fm_fail(err, FM_PROTOCOL, "%s came out of turn", name);
}

bool fm_line_send(struct fm_line *line, const struct fm_message *message, int fd,
                  struct fm_error *err)
{
    return fm_channel_send(line->channel, message, &fd, fd >= 0 ? 1 : 0, -1, err);
}

void fm_line_progress(struct fm_line *line, const struct fm_progress *progress)
{
    int64_t now_ms = fm_clock_ms();
    if (now_ms < line->next_progress_ms) {
        return;
    }
    struct fm_message message;
    struct fm_error ignored;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    message.progress = *progress;
    if (fm_channel_send(line->channel, &message, NULL, 0, 0, &ignored)) {
        line->next_progress_ms = now_ms + PROGRESS_INTERVAL_MS;
    }
    fm_message_done(&message);
}
