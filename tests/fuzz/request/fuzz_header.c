/*
 * Any bytes as a whole head: a method, a target, fields with any byte in them, marked as whole or
 * not. What the gate lets through has one Host, one length, fields of sound bytes and decoded
 * segments; what is read from its fields stays within its limits.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/http/gate.h"
#include "broker/http/range.h"
#include "broker/request/auth.h"
#include "broker/spec/validate.h"

#define FIELDS (FM_GATE_FIELDS_LIMIT + 2)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

/* A line of its own, as libmicrohttpd keeps them: a slice that may hold NUL, and a NUL behind. */
static struct fm_slice read_line(const uint8_t **at, size_t *left, struct fm_arena *arena)
{
    const uint8_t *end = memchr(*at, '\n', *left);
    size_t length = end != NULL ? (size_t)(end - *at) : *left;
    char *line = fm_arena_alloc(arena, length + 1);
    memcpy(line, *at, length);
    line[length] = '\0';
    *at += length + (end != NULL ? 1 : 0);
    *left -= length + (end != NULL ? 1 : 0);
    return (struct fm_slice){line, length};
}

static struct fm_http_header split_field(struct fm_slice line, struct fm_arena *arena)
{
    const char *colon = memchr(line.data, ':', line.length);
    size_t name = colon != NULL ? (size_t)(colon - line.data) : line.length;
    struct fm_slice value = {line.data + line.length, 0};
    if (colon != NULL) {
        value = (struct fm_slice){colon + 1, line.length - name - 1};
    }
    return (struct fm_http_header){{fm_arena_strndup(arena, line.data, name), name}, value};
}

/* The one field of that name in a head that the gate let through, or NULL. */
static const char *find(const struct fm_gate_head *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++) {
        if (fm_text_equals_fold(head->headers[i].name.data, name)) {
            return head->headers[i].value.data;
        }
    }
    return NULL;
}

static void require_sound(const struct fm_gate_head *head, const struct fm_gate_target *target)
{
    require(head->is_whole && head->total <= FM_GATE_FIELDS_LIMIT && find(head, "host") != NULL);
    require(!(target->has_length && target->is_chunked) && *target->path == '/');
    for (size_t i = 0; i < head->count; i++) {
        require(strlen(head->headers[i].value.data) == head->headers[i].value.length);
    }
    for (size_t i = 0; i < target->segment_count && i < FM_GATE_SEGMENTS; i++) {
        require(strcmp(target->segments[i], "..") != 0 && strcmp(target->segments[i], ".") != 0);
    }
}

static void read_fields(const struct fm_gate_head *head, const struct fm_gate_target *target)
{
    const char *authorization = find(head, "authorization"), *tags = find(head, "if-none-match");
    const char *id = find(head, "x-request-id");
    int64_t offset = -1, length = -1;
    const char *key = authorization != NULL ? fm_auth_bearer(authorization) : NULL;
    require(key == NULL || !fm_key_is_formed(key) || strlen(key) == FM_KEY_LENGTH);
    (void)fm_auth_key_in_query(target->query);
    (void)fm_range_parse(find(head, "range"), 1000, &offset, &length);
    require(offset >= 0 && length >= 0 && offset + length <= 1000);
    (void)(tags != NULL && fm_range_tag_matches(tags, "\"tag\""));
    require(fm_validate_prefer(find(head, "prefer")) <= FM_VALIDATE_WAIT_SECONDS);
    require(id == NULL || !fm_gate_is_request_id(id) || strlen(id) <= 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_http_header headers[FIELDS];
    struct fm_gate_target target;
    struct fm_error err = {0};
    if (size == 0) {
        return 0;
    }
    bool is_whole = (data[0] & 1) == 0;
    const char *hosts = (data[0] & 2) == 0 ? "" : "example.org, media";
    data++;
    size--;
    struct fm_gate_head head = {.is_whole = is_whole, .headers = headers};
    head.method = read_line(&data, &size, &arena).data;
    head.target = read_line(&data, &size, &arena).data;
    for (; size > 0 && head.count < FIELDS; head.count++) {
        headers[head.count] = split_field(read_line(&data, &size, &arena), &arena);
    }
    head.total = head.count;
    if (fm_gate_check(&head, hosts, "https://media.example.org/x", &arena, &target, &err)) {
        require_sound(&head, &target);
        read_fields(&head, &target);
    } else {
        require(err.code != FM_NONE);
    }
    return 0;
}
