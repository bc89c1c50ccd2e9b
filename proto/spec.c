/*
 * The rows of spec.def as tables, and the checks that a field's range cannot express. Every process
 * that receives a spec reads and checks it again, because none trusts that another one has.
 */
#include "proto/spec.h"

#include <string.h>

#include "proto/record_table.h"

#include "proto/spec.def"

#include "proto/record_undef.h"

#define NAME_LIMIT 64 /* bytes; the max of spec_output's name */

static const struct fm_spec_video standard_video = {.codec = FM_CODEC_AUTO};
static const struct fm_spec_audio standard_audio = {.codec = FM_CODEC_AUTO};

const struct fm_spec_output *fm_spec_output_at(const struct fm_spec *spec, size_t index)
{
    const struct fm_spec_output *outputs = spec->outputs.items;
    return &outputs[index];
}

/* AUTO is a remux where the source fits, and else an encode to the format's own codec. The source
 * is unknown here, so AUTO counts as an encode if the format has such a codec. */
static bool may_encode(uint64_t codec, enum fm_codec own)
{
    uint64_t chosen = codec == FM_CODEC_AUTO ? own : codec;
    return chosen != FM_CODEC_NONE && chosen != FM_CODEC_COPY;
}

static bool output_may_encode(const struct fm_spec_output *output)
{
    const struct fm_format_row *format = fm_formats_row((enum fm_format)output->format);
    const struct fm_spec_video *video = output->video != NULL ? output->video : &standard_video;
    const struct fm_spec_audio *audio = output->audio != NULL ? output->audio : &standard_audio;
    return output->format != FM_FORMAT_COPY &&
           (may_encode(video->codec, format->video) || may_encode(audio->codec, format->audio));
}

enum fm_class fm_spec_class(const struct fm_spec *spec)
{
    for (size_t i = 0; i < spec->outputs.count; i++) {
        if (output_may_encode(fm_spec_output_at(spec, i))) {
            return FM_CLASS_CPU;
        }
    }
    return FM_CLASS_NET;
}

bool fm_spec_is_copy(const struct fm_spec *spec)
{
    size_t count = spec->outputs.count;
    return count == 0 || (count == 1 && fm_spec_output_at(spec, 0)->format == FM_FORMAT_COPY);
}

bool fm_spec_is_output_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAME_LIMIT && name[0] != '_' && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

bool fm_spec_write(const struct fm_spec *spec, struct fm_text *out, struct fm_error *err)
{
    size_t start = out->length;
    fm_pack_write(&fm_record_spec, spec, out);
    size_t length = out->length - start;
    if (length > FM_SPEC_LIMIT) {
        out->length = start;
        out->data[start] = '\0';
        return fm_fail(err, FM_INVALID_REQUEST, "a spec of %zu bytes is too long", length);
    }
    return true;
}

/* A cheap check of the scheme: this room's users include the worker daemon, which links no URL
 * parser. */
static bool check_url(const struct fm_spec *spec, struct fm_error *err)
{
    const char *url = spec->url;
    if (url == NULL || strpbrk(url, " \t\n") != NULL ||
        (!fm_text_starts(url, "http://") && !fm_text_starts(url, "https://"))) {
        return fm_pack_refuse(err, "url", "missing, or neither http nor https");
    }
    return true;
}

/* Quadratic, for at most 16 outputs. */
static bool is_taken(const struct fm_spec *spec, size_t index)
{
    const char *name = fm_spec_output_at(spec, index)->name;
    for (size_t i = 0; i < index; i++) {
        if (strcmp(fm_spec_output_at(spec, i)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* cover and pad need both a width and a height; a trim must end after it starts. */
static bool check_parts(const struct fm_spec_output *output, struct fm_error *err)
{
    const struct fm_spec_video *video = output->video;
    const struct fm_spec_trim *trim = output->trim;
    if (video != NULL && video->fit != FM_FIT_CONTAIN &&
        (video->width == 0 || video->height == 0)) {
        return fm_pack_refuse(err, "fit", "a box without width or height");
    }
    return trim == NULL || trim->end_seconds > trim->start_seconds ||
           fm_pack_refuse(err, "trim", "it ends before it starts");
}

static bool check_outputs(const struct fm_spec *spec, struct fm_error *err)
{
    for (size_t i = 0; i < spec->outputs.count; i++) {
        const struct fm_spec_output *output = fm_spec_output_at(spec, i);
        if (output->name == NULL || !fm_spec_is_output_name(output->name) || is_taken(spec, i)) {
            return fm_pack_refuse(err, "name", "an output's is missing, invalid or taken");
        }
        if (output->format == FM_FORMAT_COPY && spec->outputs.count > 1) {
            return fm_pack_refuse(err, "outputs", "a copy stands alone");
        }
        if (!check_parts(output, err)) {
            return false;
        }
    }
    return true;
}

/* A header name (RFC 9110 §5.6.2). */
static bool is_token(const char *text)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return text[0] != '\0' && text[strspn(text, token)] == '\0';
}

/* A line feed in a value would start another header. Texts have no carriage return (pack.h). */
static bool check_headers(const struct fm_spec *spec, struct fm_error *err)
{
    const struct fm_spec_header *headers = spec->headers.items;
    for (size_t i = 0; i < spec->headers.count; i++) {
        if (headers[i].name == NULL || !is_token(headers[i].name) || headers[i].value == NULL ||
            strchr(headers[i].value, '\n') != NULL) {
            return fm_pack_refuse(err, "headers", "no header's name and value");
        }
    }
    return true;
}

static bool check_metadata(const struct fm_spec *spec, struct fm_error *err)
{
    const struct fm_spec_pair *pairs = spec->metadata.items;
    for (size_t i = 0; i < spec->metadata.count; i++) {
        if (pairs[i].name == NULL || pairs[i].value == NULL) {
            return fm_pack_refuse(err, "metadata", "a name or a value is missing");
        }
    }
    return true;
}

bool fm_spec_read(struct fm_slice bytes, struct fm_arena *arena, struct fm_spec *spec,
                  struct fm_error *err)
{
    if (bytes.length > FM_SPEC_LIMIT) {
        return fm_fail(err, FM_PROTOCOL, "a spec of %zu bytes is too long", bytes.length);
    }
    if (!fm_pack_read(&fm_record_spec, bytes, arena, spec, err)) {
        return false;
    }
    if (spec->site >= FM_SITE_COUNT) {
        return fm_pack_refuse(err, "site", "none of the sites");
    }
    return check_url(spec, err) && check_outputs(spec, err) && check_headers(spec, err) &&
           check_metadata(spec, err);
}
