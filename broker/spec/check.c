/* Checks what a field's range cannot express: whether the parts of a spec fit each other, the site,
 * the key's scopes and the operator's policy. See check.h. */
#include "broker/spec/check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/scope.h"
#include "common/url.h"

#define AHEAD_MS (INT64_C(30) * 24 * 3600 * 1000) /* how far ahead run_at may lie: 30 days */
#define NAME_SIZE 65                              /* an output's name, with its end */
#define PATH_SIZE 48                              /* "outputs[0].trim.start_seconds" */

/* ---- the source ---- */

/* The site that the path or the job names. Without a name, match_site() takes it from the host. */
static bool name_site(const struct fm_validate_input *input, struct fm_spec *spec,
                      struct fm_error *err)
{
    enum fm_site site = FM_SITE_URL;
    if (input->site != NULL && !fm_site_by_name(input->site, &site)) {
        FM_AUTO(fm_text_done) struct fm_text names = {0};
        fm_site_names(&names);
        return fm_fail_param(err, FM_NOT_FOUND, "site", "Unknown site. The sites are: %s",
                             fm_text_get(&names));
    }
    spec->site = site;
    return true;
}

/* A named site must have the URL's host; otherwise the host decides the site. */
static bool match_site(const struct fm_validate_input *input, const struct fm_url *url,
                       struct fm_spec *spec, struct fm_error *err)
{
    enum fm_site site = (enum fm_site)spec->site;
    if (input->site == NULL) {
        spec->site = fm_site_of_host(url->host);
        return true;
    }
    return fm_site_has_host(site, url->host) ||
           fm_fail_param(err, FM_SITE_MISMATCH, "url",
                         "This URL does not belong to %s; /v1/videos detects the site",
                         fm_site_name(site));
}

static bool check_url(const struct fm_validate_input *input, struct fm_arena *arena,
                      struct fm_spec *spec, struct fm_error *err)
{
    FM_AUTO(fm_url_done) struct fm_url url = {0};
    const char *name = input->type == FM_TYPE_PROCESS ? "source.url" : "url";
    if (spec->url == NULL || *spec->url == '\0') {
        return fm_fail_param(err, FM_MISSING_PARAMETER, name, "%s is missing", name);
    }
    if (!fm_url_parse(spec->url, &url, err)) {
        if (err != NULL) {
            snprintf(err->param, sizeof(err->param), "%s", name);
        }
        return false;
    }
    spec->url = fm_arena_strndup(arena, url.text, strlen(url.text));
    if (!match_site(input, &url, spec, err)) {
        return false;
    }
    /* Only a literal address can be checked here; a host name is checked by the worker's transfer
     * process, at the moment it resolves it. */
    return !url.is_literal || fm_address_may_connect(input->policy, &url.address, url.port) ||
           fm_fail_param(err, FM_URL_NOT_ALLOWED, name, "This address may not be fetched from");
}

/* Headers that would change the framing, the routing or the identity of the connection, or that the
 * fetch itself sets. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {
        "host",  "connection", "content-length",  "transfer-encoding",   "upgrade",
        "te",    "expect",     "trailer",         "keep-alive",          "proxy-connection",
        "range", "if-range",   "accept-encoding", "proxy-authorization",
    };
    for (size_t i = 0; i < FM_COUNT(reserved); i++) {
        if (strcasecmp(name, reserved[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_headers(const struct fm_spec *spec, struct fm_error *err)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    const struct fm_spec_header *headers = spec->headers.items;
    for (size_t i = 0; i < spec->headers.count; i++) {
        const char *name = headers[i].name != NULL ? headers[i].name : "";
        if (*name == '\0' || name[strspn(name, token)] != '\0' || is_reserved(name)) {
            return fm_fail_param(err, FM_INVALID_PARAMETER, "headers",
                                 "The header %.64s cannot be set", name);
        }
    }
    return true;
}

/* ---- the outputs ---- */

static bool wrong_output(size_t index, const char *member, const char *why, struct fm_error *err)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "outputs[%zu].%s", index, member);
    return fm_fail_param(err, FM_INVALID_PARAMETER, path, "%s %s", path, why);
}

static bool is_word_of(const char *word, const char *list)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
        size_t found = strcspn(at, " ");
        if (found == length && strncmp(at, word, length) == 0) {
            return true;
        }
        at += found;
    }
    return false;
}

/* `list` names the codecs of this kind that the format can carry, as libavcodec calls them. */
static bool codec_fits(uint64_t codec, enum fm_codec standard, const char *list, bool is_still)
{
    switch (codec) {
    case FM_CODEC_AUTO:
    case FM_CODEC_NONE:
        return true;
    case FM_CODEC_COPY:
        return *list != '\0' && !is_still;
    default:
        return codec == standard || is_word_of(fm_names_codec[codec], list);
    }
}

static bool check_codecs(size_t index, const struct fm_spec_output *output, struct fm_error *err)
{
    const struct fm_format_row *row = fm_formats_row((enum fm_format)output->format);
    uint64_t video = output->video != NULL ? output->video->codec : FM_CODEC_AUTO;
    uint64_t audio = output->audio != NULL ? output->audio->codec : FM_CODEC_AUTO;
    bool is_still = output->format == FM_FORMAT_JPG;
    bool has_video = row->video != FM_CODEC_NONE && video != FM_CODEC_NONE;
    bool has_audio = row->audio != FM_CODEC_NONE && audio != FM_CODEC_NONE;
    if (!codec_fits(video, row->video, row->video_codecs, is_still)) {
        return wrong_output(index, "video.codec", "does not fit the format", err);
    }
    if (!codec_fits(audio, row->audio, row->audio_codecs, is_still)) {
        return wrong_output(index, "audio.codec", "does not fit the format", err);
    }
    return has_video || has_audio ||
           wrong_output(index, "format", "would have neither video nor audio", err);
}

/* Every fit but `contain` needs a box with both width and height. A copied stream cannot be scaled.
 */
static bool check_size(size_t index, const struct fm_spec_video *video, struct fm_error *err)
{
    char path[PATH_SIZE];
    if (video == NULL) {
        return true;
    }
    if (video->codec == FM_CODEC_COPY && (video->width != 0 || video->height != 0)) {
        return wrong_output(index, video->width != 0 ? "video.width" : "video.height",
                            "cannot be set: copy does not change the picture", err);
    }
    if (video->fit == FM_FIT_CONTAIN || (video->width != 0 && video->height != 0)) {
        return true;
    }
    snprintf(path, sizeof(path), "outputs[%zu].video.%s", index,
             video->width == 0 ? "width" : "height");
    return fm_fail_param(err, FM_MISSING_PARAMETER, path, "%s is missing: fit %s needs both", path,
                         fm_names_fit[video->fit]);
}

/* A copied stream can be cut at keyframes only. */
static bool check_trim(size_t index, const struct fm_spec_output *output, struct fm_error *err)
{
    const struct fm_spec_trim *trim = output->trim;
    bool is_copied = (output->video != NULL && output->video->codec == FM_CODEC_COPY) ||
                     (output->audio != NULL && output->audio->codec == FM_CODEC_COPY);
    if (trim == NULL) {
        return true;
    }
    if (trim->end_seconds <= trim->start_seconds) {
        return wrong_output(index, "trim.end_seconds", "must be greater than start_seconds", err);
    }
    return trim->accuracy == FM_ACCURACY_KEYFRAME || !is_copied ||
           wrong_output(index, "trim.accuracy", "must be keyframe where a codec is copy", err);
}

static bool check_output(size_t index, const struct fm_spec_output *output, struct fm_error *err)
{
    if (output->at_seconds > 0 && output->format != FM_FORMAT_JPG) {
        return wrong_output(index, "at_seconds", "is allowed for images only", err);
    }
    if (output->format != FM_FORMAT_COPY) {
        return check_codecs(index, output, err) && check_size(index, output->video, err) &&
               check_trim(index, output, err);
    }
    const char *set = output->video != NULL   ? "video"
                      : output->audio != NULL ? "audio"
                      : output->trim != NULL  ? "trim"
                                              : NULL;
    return set == NULL ||
           wrong_output(index, set, "cannot be set: copy returns the source unchanged", err);
}

static bool is_taken(const struct fm_spec_output *outputs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (outputs[i].name != NULL && strcmp(outputs[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names an output after its format, with a number added until the name is free. */
static void give_name(struct fm_spec_output *outputs, size_t count, size_t index,
                      struct fm_arena *arena)
{
    char name[NAME_SIZE];
    const char *base =
        outputs[index].format == FM_FORMAT_COPY ? "source" : fm_names_format[outputs[index].format];
    snprintf(name, sizeof(name), "%s", base);
    for (unsigned i = 2; is_taken(outputs, count, name); i++) {
        snprintf(name, sizeof(name), "%s-%u", base, i);
    }
    outputs[index].name = fm_arena_strndup(arena, name, strlen(name));
}

/* Given names are checked first, so that a made name never collides with one further down. */
static bool check_names(struct fm_spec_output *outputs, size_t count, struct fm_arena *arena,
                        struct fm_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = outputs[i].name;
        if (name == NULL || *name == '\0') {
            outputs[i].name = NULL;
            continue;
        }
        if (!fm_spec_is_output_name(name)) {
            return wrong_output(i, "name", "must match [a-z0-9][a-z0-9_-]{0,63}", err);
        }
        if (is_taken(outputs, i, name)) {
            return wrong_output(i, "name", "is used twice", err);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (outputs[i].name == NULL) {
            give_name(outputs, count, i, arena);
        }
    }
    return true;
}

static bool check_outputs(const struct fm_validate_input *input, struct fm_arena *arena,
                          struct fm_spec *spec, struct fm_error *err)
{
    struct fm_spec_output *outputs = spec->outputs.items;
    if (spec->outputs.count == 0) {
        return input->type != FM_TYPE_PROCESS ||
               fm_fail_param(err, FM_MISSING_PARAMETER, "outputs", "outputs is missing");
    }
    if ((input->scopes & FM_SCOPE_PROCESS) == 0) {
        return fm_fail_param(err, FM_INSUFFICIENT_SCOPE, "outputs",
                             "outputs needs an API key with the scope %s",
                             fm_scope_name(FM_SCOPE_PROCESS));
    }
    for (size_t i = 0; i < spec->outputs.count; i++) {
        if (!check_output(i, &outputs[i], err)) {
            return false;
        }
        if (outputs[i].format == FM_FORMAT_COPY && spec->outputs.count > 1) {
            return wrong_output(
                i, "format", "must be a job's only output: copy returns the source unchanged", err);
        }
    }
    return check_names(outputs, spec->outputs.count, arena, err);
}

/* ---- the rest ---- */

static bool check_filename(const struct fm_spec *spec, struct fm_error *err)
{
    const char *name = spec->filename;
    if (name != NULL && strpbrk(name, "/\\") != NULL) {
        return fm_fail_param(err, FM_INVALID_PARAMETER, "filename",
                             "filename must be a name without slashes");
    }
    return name == NULL || *name != '.' ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "filename",
                         "filename must not begin with a dot");
}

/* A time in the past means at once. */
static bool check_run_at(struct fm_spec *spec, int64_t now_ms, struct fm_error *err)
{
    if (spec->run_at_ms <= (uint64_t)now_ms) {
        spec->run_at_ms = 0;
    }
    return spec->run_at_ms <= (uint64_t)(now_ms + AHEAD_MS) ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "run_at",
                         "run_at must be within the next 30 days");
}

bool fm_check_spec(const struct fm_validate_input *input, struct fm_arena *arena,
                   struct fm_spec *spec, struct fm_error *err)
{
    return name_site(input, spec, err) && check_url(input, arena, spec, err) &&
           check_headers(spec, err) && check_outputs(input, arena, spec, err) &&
           check_filename(spec, err) && check_run_at(spec, input->now_ms, err);
}
