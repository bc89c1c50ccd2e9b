/* Writes the job object. Every member is always present, and null if it is unknown: a client can
 * rely on each of them. See job_view.h. */
#include "broker/api/job_view.h"

#include <stdio.h>
#include <string.h>

#include "broker/api/replies.h"
#include "broker/api/submit.h"
#include "broker/request/request.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/scope.h"

bool fm_job_view_read(const struct fm_reader_job *row, struct fm_arena *arena,
                      struct fm_job_view *job, struct fm_error *err)
{
    *job = (struct fm_job_view){.row = row,
                                .has_progress = row->progress.length > 0,
                                .has_result = row->result.length > 0,
                                .position = -1,
                                .eta_seconds = -1};
    return fm_spec_read(row->spec, arena, &job->spec, err) &&
           (!job->has_progress ||
            fm_pack_read(&fm_record_progress, row->progress, arena, &job->progress, err)) &&
           (!job->has_result ||
            fm_pack_read(&fm_record_result, row->result, arena, &job->result, err));
}

/* Seconds until the job starts, at the rate at which jobs of its line have been starting. */
static int64_t wait_of(const struct fm_job_view *job, struct fm_reason *reason)
{
    const struct fm_reader_job *row = job->row;
    return fm_start_rate_wait_seconds(fm_reason_start_rate(reason), fm_submit_pool(&job->spec),
                                      (unsigned)job->spec.priority, &row->account,
                                      (uint64_t)row->ahead, fm_clock_ms());
}

void fm_job_view_explain(struct fm_job_view *job, struct fm_reason *reason)
{
    const struct fm_reader_job *row = job->row;
    if (row->state != FM_STATE_QUEUED) {
        return;
    }
    job->reason = row->is_retry ? "retry"
                                : fm_reason_of(reason, fm_submit_pool(&job->spec), &row->account,
                                               (unsigned)job->spec.site);
    job->position = row->ahead;
    /* Under "cap" the account's jobs go on starting, so a time can be given; a job held back for
     * any other reason has none. */
    bool is_held = job->reason != NULL && strcmp(job->reason, "cap") != 0;
    job->eta_seconds = row->ahead < 0 || is_held ? -1 : wait_of(job, reason);
}

bool fm_job_view_is_expired(const struct fm_job_view *job, int64_t now_us)
{
    return job->row->expires_at_us != 0 && job->row->expires_at_us <= now_us;
}

unsigned fm_job_view_retry_after(const struct fm_job_view *job)
{
    return job->row->state == FM_STATE_SCHEDULED ? 30 : 1;
}

static const struct fm_file_facts *file_at(const struct fm_job_view *job, size_t index)
{
    return (const struct fm_file_facts *)job->result.outputs.items + index;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

const struct fm_file_facts *fm_job_view_output(const struct fm_job_view *job, const char *name)
{
    for (size_t i = 0; i < job->result.outputs.count; i++) {
        const struct fm_file_facts *file = file_at(job, i);
        const char *own = or_empty(file->name), *extension = or_empty(file->extension);
        size_t length = strlen(own);
        bool is_whole = strcmp(name, own) == 0;
        bool is_file = strncmp(name, own, length) == 0 && name[length] == '.' &&
                       strcmp(name + length + 1, extension) == 0;
        if (is_whole || is_file) {
            return file;
        }
    }
    return NULL;
}

struct fm_store_object fm_job_view_object(const struct fm_job_view *job,
                                          const struct fm_file_facts *file)
{
    struct fm_store_object object = {.account = job->row->account,
                                     .job = job->row->id,
                                     .lease = job->row->lease,
                                     .size_bytes = (int64_t)file->size_bytes};
    snprintf(object.name, sizeof(object.name), "%s", or_empty(file->name));
    snprintf(object.extension, sizeof(object.extension), "%s", or_empty(file->extension));
    if (file->sha256.length == sizeof(object.sha256)) {
        memcpy(object.sha256, file->sha256.data, sizeof(object.sha256));
    }
    return object;
}

/* ---- the object: structs of reply.def, filled ---- */

/* The bytes fetched for a job that has succeeded; else 0. */
static uint64_t fetched(const struct fm_job_view *job)
{
    bool is_known = job->row->state == FM_STATE_SUCCEEDED && job->has_result && job->result.source;
    return is_known ? job->result.source->size_bytes : 0;
}

static struct fm_reply_job_progress progress_of(const struct fm_job_view *job)
{
    const struct fm_progress *progress = &job->progress;
    bool is_there = job->has_progress && job->row->state == FM_STATE_RUNNING;
    bool is_over = job->row->state == FM_STATE_SUCCEEDED;
    bool has_stage = is_there && progress->stage != FM_STAGE_WAITING;
    double percent = is_over ? 100 : progress->percent;
    return (struct fm_reply_job_progress){
        .stage = has_stage ? fm_names_stage[progress->stage] : NULL,
        .percent = fm_reply_known(percent, is_over || (is_there && percent >= 0)),
        .downloaded_bytes = (int64_t)(is_there ? progress->downloaded_bytes : fetched(job)),
        .total_bytes = fm_reply_nonzero(is_there ? progress->total_bytes : fetched(job)),
        .frames = is_there ? (int64_t)progress->frames : 0,
        .speed = fm_reply_known(progress->speed, is_there && progress->speed >= 0),
        .eta_seconds =
            fm_reply_known(progress->eta_seconds, is_there && progress->eta_seconds >= 0),
    };
}

static struct fm_reply_job_queue queue_of(const struct fm_job_view *job)
{
    return (struct fm_reply_job_queue){
        .position = job->position >= 0 ? job->position : FM_REPLY_UNKNOWN,
        .eta_seconds = job->eta_seconds >= 0 ? job->eta_seconds : FM_REPLY_UNKNOWN,
        .reason = job->reason,
    };
}

/* A result's facts are complete; a running job's progress has those known so far. */
static const struct fm_source_facts *source_facts(const struct fm_job_view *job)
{
    if (job->has_result && job->result.source != NULL) {
        return job->result.source;
    }
    return job->has_progress ? job->progress.source : NULL;
}

/* Returns `source`, filled, or NULL if nothing is known of the source yet. */
static const struct fm_reply_job_source *source_of(const struct fm_job_view *job,
                                                   struct fm_reply_job_source *source)
{
    const struct fm_source_facts *facts = source_facts(job);
    if (facts == NULL) {
        return NULL;
    }
    *source = (struct fm_reply_job_source){
        .title = facts->title,
        .uploader = facts->uploader,
        .duration_seconds = fm_reply_known(facts->duration_seconds, facts->duration_seconds > 0),
        .webpage_url = facts->webpage_url,
    };
    return source;
}

/* Returns `error`, filled, or NULL unless the job failed. */
static const struct fm_reply_job_error *error_of(const struct fm_job_view *job,
                                                 struct fm_reply_job_error *error)
{
    const struct fm_error_row *row = fm_error_row(job->row->error);
    if (job->row->state != FM_STATE_FAILED) {
        return NULL;
    }
    *error = (struct fm_reply_job_error){
        .code = row->public_code, .message = row->text, .retryable = row->retry == FM_RETRY_LATER};
    return error;
}

/* What the URLs of a job are made with. The texts and structs made for its outputs live in the
 * arena, which lives as long as the writing does. */
struct links {
    const struct fm_signed_url *signed_url;
    const char *base;
    int64_t now_us;
    struct fm_arena *arena;
};

static const char *keep_text(const struct links *links, const struct fm_text *text)
{
    return fm_arena_strndup(links->arena, fm_text_get(text), text->length);
}

static struct fm_reply_job_urls urls_of(const struct fm_job_view *job, const struct links *links)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    struct fm_reply_job_urls urls;
    char id[FM_ID_TEXT_SIZE];
    fm_id_format(FM_ID_JOB, &job->row->id, id);
    fm_text_format(&url, "%s/v1/jobs/%s", links->base, id);
    urls.self = keep_text(links, &url);
    fm_text_append(&url, "/cancel");
    urls.cancel = keep_text(links, &url);
    return urls;
}

static const struct fm_reply_video *video_of(const struct fm_video_facts *facts,
                                             const struct links *links)
{
    if (facts == NULL) {
        return NULL;
    }
    struct fm_reply_video *video = fm_arena_alloc(links->arena, sizeof(*video));
    video->codec = facts->codec;
    video->width = fm_reply_nonzero(facts->width);
    video->height = fm_reply_nonzero(facts->height);
    video->frame_rate = fm_reply_known(facts->frame_rate, facts->frame_rate > 0);
    return video;
}

static const struct fm_reply_audio *audio_of(const struct fm_audio_facts *facts,
                                             const struct links *links)
{
    if (facts == NULL) {
        return NULL;
    }
    struct fm_reply_audio *audio = fm_arena_alloc(links->arena, sizeof(*audio));
    audio->codec = facts->codec;
    audio->channels = fm_reply_nonzero(facts->channels);
    audio->sample_rate = fm_reply_nonzero(facts->sample_rate);
    return audio;
}

/* Returns until when the URL is valid, in seconds since 1970. */
static int64_t append_url(const struct fm_job_view *job, const struct fm_file_facts *file,
                          const struct links *links, struct fm_text *url)
{
    struct fm_store_object object = fm_job_view_object(job, file);
    fm_text_append(url, links->base);
    fm_signed_url_client_path(links->signed_url, &object, links->now_us / 1000000, url);
    return object.until_s;
}

bool fm_job_view_first_url(const struct fm_job_view *job, const struct fm_signed_url *signed_url,
                           const char *base, int64_t now_us, struct fm_text *out)
{
    const struct links links = {.signed_url = signed_url, .base = base, .now_us = now_us};
    bool has_one = job->row->state == FM_STATE_SUCCEEDED && job->result.outputs.count > 0 &&
                   !fm_job_view_is_expired(job, now_us);
    if (has_one) {
        (void)append_url(job, file_at(job, 0), &links, out);
    }
    return has_one;
}

/* Both members stay unknown once the outputs are expired. */
static void set_url(const struct fm_job_view *job, const struct fm_file_facts *file,
                    const struct links *links, struct fm_reply_output *output)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    if (!fm_job_view_is_expired(job, links->now_us)) {
        output->url_expires_at = append_url(job, file, links, &url) * 1000000;
        output->url = keep_text(links, &url);
    }
}

static const char *digest_of(const struct fm_file_facts *file, const struct links *links)
{
    char digest[FM_HASH_HEX_SIZE];
    if (file->sha256.length != FM_HASH_SIZE) {
        return NULL;
    }
    fm_hash_to_hex(file->sha256.data, FM_HASH_SIZE, digest);
    return fm_arena_strndup(links->arena, digest, sizeof(digest) - 1);
}

static struct fm_reply_output output_of(const struct fm_job_view *job,
                                        const struct fm_file_facts *file, const struct links *links)
{
    struct fm_reply_output output = {
        .name = file->name,
        .content_type = file->content_type,
        .size_bytes = (int64_t)file->size_bytes,
        .sha256 = digest_of(file, links),
        .duration_seconds = fm_reply_known(file->duration_seconds, file->duration_seconds > 0),
        .video = video_of(file->video, links),
        .audio = audio_of(file->audio, links),
    };
    set_url(job, file, links, &output);
    return output;
}

static struct fm_list outputs_of(const struct fm_job_view *job, const struct links *links)
{
    size_t count = job->row->state == FM_STATE_SUCCEEDED ? job->result.outputs.count : 0;
    struct fm_reply_output *outputs =
        count > 0 ? fm_arena_alloc(links->arena, count * sizeof(*outputs)) : NULL;
    for (size_t i = 0; i < count; i++) {
        outputs[i] = output_of(job, file_at(job, i), links);
    }
    return (struct fm_list){outputs, count};
}

void fm_job_view_write(const struct fm_job_view *job, const struct fm_signed_url *signed_url,
                       const char *base, int64_t now_us, struct fm_text *out)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    const struct fm_reader_job *row = job->row;
    const struct links links = {signed_url, base, now_us, &arena};
    const struct fm_reply_job_input input = {job->spec.url,
                                             fm_site_name((enum fm_site)job->spec.site)};
    const struct fm_reply_job_progress progress = progress_of(job);
    const struct fm_reply_job_queue queue = queue_of(job);
    const struct fm_reply_job_urls urls = urls_of(job, &links);
    struct fm_reply_job_source source;
    struct fm_reply_job_error error;
    const struct fm_reply_job reply = {
        .id = row->id,
        .type = fm_names_type[job->spec.type],
        .status = fm_state_name(row->state),
        .done = fm_state_is_ended(row->state),
        .created_at = fm_id_time_ms(&row->id) * 1000,
        .started_at = row->started_at_us,
        .completed_at = row->completed_at_us,
        .expires_at = row->expires_at_us,
        .input = &input,
        .progress = &progress,
        .queue = &queue,
        .attempt = row->starts,
        .max_attempts = row->max_attempts,
        .priority = fm_names_priority[job->spec.priority],
        .node = row->node,
        .source = source_of(job, &source),
        .outputs = outputs_of(job, &links),
        .error = error_of(job, &error),
        .metadata = job->spec.metadata,
        .batch = row->batch,
        .retry_of = row->retry_of,
        .urls = &urls,
    };
    fm_reply_write_job(&reply, out);
}

void fm_job_view_tag(enum fm_state state, struct fm_slice object, char out[FM_JOB_VIEW_TAG_SIZE])
{
    uint8_t digest[FM_HASH_SIZE];
    char hex[FM_HASH_HEX_SIZE];
    fm_hash_sha256(object.data, object.length, digest);
    fm_hash_to_hex(digest, sizeof(digest), hex);
    snprintf(out, FM_JOB_VIEW_TAG_SIZE, "\"%s-%.32s\"", fm_state_name(state), hex);
}

bool fm_job_view_tag_state(const char *tag, enum fm_state *state)
{
    tag += strncmp(tag, "W/", 2) == 0 ? 2 : 0;
    for (enum fm_state it = 0; it < FM_STATE_COUNT; it++) {
        const char *name = fm_state_name(it);
        size_t length = strlen(name);
        if (tag[0] == '"' && strncmp(tag + 1, name, length) == 0 && tag[1 + length] == '-') {
            *state = it;
            return true;
        }
    }
    return false;
}

/* ---- who may change the job ---- */

/* The same scopes that validation requires: a fetch with outputs requires both. */
static unsigned scopes_of(const struct fm_spec *spec)
{
    if (spec->type == FM_TYPE_PROCESS) {
        return FM_SCOPE_PROCESS;
    }
    return FM_SCOPE_FETCH | (spec->outputs.count > 0 ? FM_SCOPE_PROCESS : 0);
}

bool fm_job_view_check_scope(struct fm_request *request, struct fm_error *err)
{
    struct fm_job_view job;
    return fm_job_view_read(&request->lookup.found, &request->arena, &job, err) &&
           fm_scope_check(request->lookup.scopes, scopes_of(&job.spec), err);
}
