/* Cuts a body into jobs: see batch_lines.h. A job that lies within one part is handed on from there
 * without a copy; only a job that spans parts is copied, and at most FM_BATCH_LINES_LIMIT of it. */
#include "broker/api/batch_lines.h"

#include <string.h>

#define NAME_LIMIT 64 /* bytes of the frame's only member name */

/* ---- what both forms share ---- */

static bool refuse_long(struct fm_error *err)
{
    return fm_fail_param(err, FM_INVALID_REQUEST, NULL, "One job has at most %zu bytes",
                         FM_BATCH_LINES_LIMIT);
}

static bool hold_part(struct fm_batch_lines *lines, struct fm_slice more, struct fm_error *err)
{
    if (more.length > FM_BATCH_LINES_LIMIT - lines->held.length) {
        return refuse_long(err);
    }
    fm_text_append_bytes(&lines->held, more.data, more.length);
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Hands on a whole job: the bytes held from earlier parts, and `rest`. */
static bool give(struct fm_batch_lines *lines, struct fm_slice rest, struct fm_error *err)
{
    if (lines->held.length == 0) {
        return rest.length <= FM_BATCH_LINES_LIMIT ? lines->handle_job(lines->context, rest, err)
                                                   : refuse_long(err);
    }
    if (!hold_part(lines, rest, err)) {
        return false;
    }
    struct fm_slice whole = {lines->held.data, lines->held.length};
    bool is_good = lines->handle_job(lines->context, whole, err);
    fm_text_clear(&lines->held);
    return is_good;
}

/* ---- one job per line ---- */

static bool is_blank(struct fm_slice line)
{
    size_t i = 0;
    while (i < line.length && is_space(line.data[i])) {
        i++;
    }
    return i == line.length;
}

static bool give_line(struct fm_batch_lines *lines, struct fm_slice rest, struct fm_error *err)
{
    struct fm_slice held = {fm_text_get(&lines->held), lines->held.length};
    if (is_blank(held) && is_blank(rest)) {
        fm_text_clear(&lines->held);
        return true;
    }
    return give(lines, rest, err);
}

static bool feed_lines(struct fm_batch_lines *lines, struct fm_slice part, struct fm_error *err)
{
    while (part.length > 0) {
        const char *end = memchr(part.data, '\n', part.length);
        size_t length = end != NULL ? (size_t)(end - part.data) : part.length;
        lines->number += lines->state == 0 ? 1 : 0; /* state 1: the line began in an earlier part */
        lines->state = end == NULL;
        if (end == NULL) {
            return hold_part(lines, part, err);
        }
        if (!give_line(lines, (struct fm_slice){part.data, length}, err)) {
            return false;
        }
        part.data += length + 1;
        part.length -= length + 1;
    }
    return true;
}

/* ---- {"jobs":[…]} ---- */

enum state { OPENING, MEMBER, NAME, COLON, LIST, FIRST, ELEMENT, INSIDE, BEHIND, CLOSING, OVER };

static bool refuse_form(struct fm_error *err)
{
    return fm_fail_param(err, FM_INVALID_REQUEST, NULL,
                         "The body must be {\"jobs\": [...]}; send one job per line as "
                         "application/x-ndjson");
}

/* Skips spaces, then requires the byte `wanted` and goes to `next`. */
static bool expect(struct fm_batch_lines *lines, char c, char wanted, enum state next,
                   struct fm_error *err)
{
    if (is_space(c)) {
        return true;
    }
    lines->state = next;
    return c == wanted || refuse_form(err);
}

static bool end_name(struct fm_batch_lines *lines, struct fm_error *err)
{
    char name[NAME_LIMIT + 1];
    size_t length = lines->held.length;
    memcpy(name, fm_text_get(&lines->held), length);
    name[length] = '\0';
    fm_text_clear(&lines->held);
    lines->state = COLON;
    return strcmp(name, "jobs") == 0 ||
           fm_fail_param(err, FM_UNKNOWN_PARAMETER, name, "Unknown parameter %s. A batch has jobs",
                         name);
}

static bool read_name(struct fm_batch_lines *lines, char c, struct fm_error *err)
{
    if (c == '"') {
        return end_name(lines, err);
    }
    if (lines->held.length == NAME_LIMIT || (unsigned char)c < 0x20 || c == '\\') {
        return refuse_form(err);
    }
    fm_text_append_char(&lines->held, c);
    return true;
}

/* After '[' or a comma: an object must begin; directly after '[' (FIRST) the list may also end. */
static bool begin_element(struct fm_batch_lines *lines, char c, struct fm_error *err)
{
    if (is_space(c)) {
        return true;
    }
    if (c == ']' && lines->state == FIRST) {
        lines->state = CLOSING;
        return true;
    }
    lines->number++;
    lines->state = INSIDE;
    lines->depth = 1;
    fm_text_append_char(&lines->held, c);
    return c == '{' ||
           fm_fail_param(err, FM_INVALID_REQUEST, NULL, "Each of jobs must be an object");
}

static bool end_element(struct fm_batch_lines *lines, char c, struct fm_error *err)
{
    if (is_space(c)) {
        return true;
    }
    lines->state = c == ',' ? ELEMENT : CLOSING;
    lines->number = c == ']' ? 0 : lines->number; /* an error after the list is no job's fault */
    return c == ',' || c == ']' || refuse_form(err);
}

/* Reads one byte of the frame. */
static bool read_byte(struct fm_batch_lines *lines, char c, struct fm_error *err)
{
    switch ((enum state)lines->state) {
    case OPENING:
        return expect(lines, c, '{', MEMBER, err);
    case MEMBER:
        return expect(lines, c, '"', NAME, err);
    case NAME:
        return read_name(lines, c, err);
    case COLON:
        return expect(lines, c, ':', LIST, err);
    case LIST:
        return expect(lines, c, '[', FIRST, err);
    case FIRST:
    case ELEMENT:
        return begin_element(lines, c, err);
    case BEHIND:
        return end_element(lines, c, err);
    case CLOSING:
        return expect(lines, c, '}', OVER, err);
    default:
        return is_space(c) || refuse_form(err);
    }
}

/* True at the bracket that closes the element. Only the depth is counted; brackets that do not
 * match are refused later, by the JSON parser, which gets the same bytes. */
static bool closes_element(struct fm_batch_lines *lines, char c)
{
    if (lines->in_text) {
        lines->in_text = c != '"' || lines->is_escaped;
        lines->is_escaped = c == '\\' && !lines->is_escaped;
    } else if (c == '"') {
        lines->in_text = true;
    } else if (c == '{' || c == '[') {
        lines->depth++;
    } else if (c == '}' || c == ']') {
        lines->depth--;
    }
    return lines->depth == 0;
}

/* Reads as much of the element as this part has, and moves `part` past it. */
static bool read_element(struct fm_batch_lines *lines, struct fm_slice *part, struct fm_error *err)
{
    size_t length = 0;
    bool is_whole = false;
    while (length < part->length && !is_whole) {
        is_whole = closes_element(lines, part->data[length++]);
    }
    struct fm_slice more = {part->data, length};
    part->data += length;
    part->length -= length;
    if (!is_whole) {
        return hold_part(lines, more, err);
    }
    lines->state = BEHIND;
    return give(lines, more, err);
}

static bool feed_json(struct fm_batch_lines *lines, struct fm_slice part, struct fm_error *err)
{
    bool is_good = true;
    while (is_good && part.length > 0) {
        if (lines->state == INSIDE) {
            is_good = read_element(lines, &part, err);
        } else {
            is_good = read_byte(lines, part.data[0], err);
            part.data++;
            part.length--;
        }
    }
    return is_good;
}

/* ---- both forms ---- */

bool fm_batch_lines_feed(struct fm_batch_lines *lines, struct fm_slice part, struct fm_error *err)
{
    return (lines->form == FM_BATCH_LINES_JSON ? feed_json : feed_lines)(lines, part, err);
}

bool fm_batch_lines_end(struct fm_batch_lines *lines, struct fm_error *err)
{
    if (lines->form == FM_BATCH_LINES_NDJSON) {
        return give_line(lines, (struct fm_slice){"", 0}, err);
    }
    bool is_empty = lines->state == OPENING;
    return lines->state == OVER || is_empty ||
           fm_fail_param(err, FM_INVALID_JSON, NULL,
                         "The body is not valid JSON: it ends too soon");
}

void fm_batch_lines_done(struct fm_batch_lines *lines)
{
    fm_text_done(&lines->held);
}
