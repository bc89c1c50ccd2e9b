/* The job object: every member always there, null where nothing is known. */
#include "broker/api/job_view.h"

#include <stdio.h>
#include <string.h>

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

/* ---- parts of the object ---- */

/* Numbers for which a mark or nothing stands when they are unknown. */
static void put_known(struct fm_json_writer *json, const char *name, double value, bool is_known)
{
    if (is_known) {
        fm_json_put_double(json, name, value);
    } else {
        fm_json_put_null(json, name);
    }
}

static void put_count(struct fm_json_writer *json, const char *name, uint64_t value)
{
    if (value > 0) {
        fm_json_put_integer(json, name, (int64_t)value);
    } else {
        fm_json_put_null(json, name);
    }
}

static void put_id(struct fm_json_writer *json, const char *name, enum fm_id_kind kind,
                   const struct fm_id *id)
{
    char text[FM_ID_TEXT_SIZE];
    fm_id_format(kind, id, text);
    fm_json_put_text(json, name, fm_id_is_zero(id) ? NULL : text);
}

/* What was fetched for a job that has succeeded, in bytes. */
static uint64_t fetched(const struct fm_job_view *job)
{
    bool is_known = job->row->state == FM_STATE_SUCCEEDED && job->has_result && job->result.source;
    return is_known ? job->result.source->size_bytes : 0;
}

static void put_progress(struct fm_json_writer *json, const struct fm_job_view *job)
{
    const struct fm_progress *progress = &job->progress;
    bool is_there = job->has_progress && job->row->state == FM_STATE_RUNNING;
    bool is_over = job->row->state == FM_STATE_SUCCEEDED;
    bool has_stage = is_there && progress->stage != FM_STAGE_WAITING;
    fm_json_open(json, "progress", '{');
    fm_json_put_text(json, "stage", has_stage ? fm_names_stage[progress->stage] : NULL);
    put_known(json, "percent", is_over ? 100 : progress->percent,
              is_over || (is_there && progress->percent >= 0));
    fm_json_put_integer(json, "downloaded_bytes",
                        (int64_t)(is_there ? progress->downloaded_bytes : fetched(job)));
    put_count(json, "total_bytes", is_there ? progress->total_bytes : fetched(job));
    fm_json_put_integer(json, "frames", is_there ? (int64_t)progress->frames : 0);
    put_known(json, "speed", progress->speed, is_there && progress->speed >= 0);
    put_known(json, "eta_seconds", progress->eta_seconds, is_there && progress->eta_seconds >= 0);
    fm_json_close(json, '}');
}

static void put_whole(struct fm_json_writer *json, const char *name, int64_t value)
{
    if (value >= 0) {
        fm_json_put_integer(json, name, value);
    } else {
        fm_json_put_null(json, name);
    }
}

static void put_queue(struct fm_json_writer *json, const struct fm_job_view *job)
{
    fm_json_open(json, "queue", '{');
    put_whole(json, "position", job->position);
    put_whole(json, "eta_seconds", job->eta_seconds);
    fm_json_put_text(json, "reason", job->reason);
    fm_json_close(json, '}');
}

static void put_source(struct fm_json_writer *json, const struct fm_job_view *job)
{
    const struct fm_source_facts *source = job->has_result && job->result.source != NULL
                                               ? job->result.source
                                           : job->has_progress ? job->progress.source
                                                               : NULL;
    if (source == NULL) {
        fm_json_put_null(json, "source");
        return;
    }
    fm_json_open(json, "source", '{');
    fm_json_put_text(json, "title", source->title);
    fm_json_put_text(json, "uploader", source->uploader);
    put_known(json, "duration_seconds", source->duration_seconds, source->duration_seconds > 0);
    fm_json_put_text(json, "webpage_url", source->webpage_url);
    fm_json_close(json, '}');
}

static void put_video(struct fm_json_writer *json, const struct fm_video_facts *video)
{
    if (video == NULL) {
        fm_json_put_null(json, "video");
        return;
    }
    fm_json_open(json, "video", '{');
    fm_json_put_text(json, "codec", video->codec);
    put_count(json, "width", video->width);
    put_count(json, "height", video->height);
    put_known(json, "frame_rate", video->frame_rate, video->frame_rate > 0);
    fm_json_close(json, '}');
}

static void put_audio(struct fm_json_writer *json, const struct fm_audio_facts *audio)
{
    if (audio == NULL) {
        fm_json_put_null(json, "audio");
        return;
    }
    fm_json_open(json, "audio", '{');
    fm_json_put_text(json, "codec", audio->codec);
    put_count(json, "channels", audio->channels);
    put_count(json, "sample_rate", audio->sample_rate);
    fm_json_close(json, '}');
}

/* What an output is written with. */
struct links {
    const struct fm_signed_url *grant;
    const char *base;
    int64_t now_us;
};

/* Returns until when it opens, in seconds since 1970. */
static int64_t append_url(const struct fm_job_view *job, const struct fm_file_facts *file,
                          const struct links *links, struct fm_text *url)
{
    struct fm_store_object object = fm_job_view_object(job, file);
    fm_text_append(url, links->base);
    fm_signed_url_client_path(links->grant, &object, links->now_us / 1000000, url);
    return object.until_s;
}

static void put_url(struct fm_json_writer *json, const struct fm_job_view *job,
                    const struct fm_file_facts *file, const struct links *links)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    if (fm_job_view_is_expired(job, links->now_us)) {
        fm_json_put_null(json, "url");
        fm_json_put_null(json, "url_expires_at");
        return;
    }
    int64_t until_s = append_url(job, file, links, &url);
    fm_json_put_text(json, "url", fm_text_get(&url));
    fm_json_put_time(json, "url_expires_at", until_s * 1000000);
}

bool fm_job_view_first_url(const struct fm_job_view *job, const struct fm_signed_url *grant,
                           const char *base, int64_t now_us, struct fm_text *out)
{
    const struct links links = {grant, base, now_us};
    bool has_one = job->row->state == FM_STATE_SUCCEEDED && job->result.outputs.count > 0 &&
                   !fm_job_view_is_expired(job, now_us);
    if (has_one) {
        (void)append_url(job, file_at(job, 0), &links, out);
    }
    return has_one;
}

static void put_output(struct fm_json_writer *json, const struct fm_job_view *job,
                       const struct fm_file_facts *file, const struct links *links)
{
    char digest[FM_HASH_HEX_SIZE];
    bool has_digest = file->sha256.length == FM_HASH_SIZE;
    if (has_digest) {
        fm_hash_to_hex(file->sha256.data, FM_HASH_SIZE, digest);
    }
    fm_json_open(json, NULL, '{');
    fm_json_put_text(json, "name", file->name);
    put_url(json, job, file, links);
    fm_json_put_text(json, "content_type", file->content_type);
    fm_json_put_integer(json, "size_bytes", (int64_t)file->size_bytes);
    fm_json_put_text(json, "sha256", has_digest ? digest : NULL);
    put_known(json, "duration_seconds", file->duration_seconds, file->duration_seconds > 0);
    put_video(json, file->video);
    put_audio(json, file->audio);
    fm_json_close(json, '}');
}

static void put_outputs(struct fm_json_writer *json, const struct fm_job_view *job,
                        const struct links *links)
{
    bool is_over = job->row->state == FM_STATE_SUCCEEDED;
    fm_json_open(json, "outputs", '[');
    for (size_t i = 0; is_over && i < job->result.outputs.count; i++) {
        put_output(json, job, file_at(job, i), links);
    }
    fm_json_close(json, ']');
}

static void put_error(struct fm_json_writer *json, const struct fm_job_view *job)
{
    if (job->row->state != FM_STATE_FAILED) {
        fm_json_put_null(json, "error");
        return;
    }
    const struct fm_error_row *row = fm_error_row(job->row->error);
    fm_json_open(json, "error", '{');
    fm_json_put_text(json, "code", row->public_code);
    fm_json_put_text(json, "message", row->text);
    fm_json_put_bool(json, "retryable", row->retry == FM_RETRY_LATER);
    fm_json_put_null(json, "detail");
    fm_json_close(json, '}');
}

static void put_metadata(struct fm_json_writer *json, const struct fm_job_view *job)
{
    const struct fm_spec_pair *pairs = job->spec.metadata.items;
    fm_json_open(json, "metadata", '{');
    for (size_t i = 0; i < job->spec.metadata.count; i++) {
        fm_json_put_text(json, or_empty(pairs[i].name), or_empty(pairs[i].value));
    }
    fm_json_close(json, '}');
}

static void put_input(struct fm_json_writer *json, const struct fm_job_view *job)
{
    fm_json_open(json, "input", '{');
    fm_json_put_text(json, "url", job->spec.url);
    fm_json_put_text(json, "site", fm_site_name((enum fm_site)job->spec.site));
    fm_json_close(json, '}');
}

static void put_urls(struct fm_json_writer *json, const struct fm_job_view *job, const char *base)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    char id[FM_ID_TEXT_SIZE];
    fm_id_format(FM_ID_JOB, &job->row->id, id);
    fm_text_format(&url, "%s/v1/jobs/%s", base, id);
    fm_json_open(json, "urls", '{');
    fm_json_put_text(json, "self", fm_text_get(&url));
    fm_text_append(&url, "/cancel");
    fm_json_put_text(json, "cancel", fm_text_get(&url));
    fm_json_close(json, '}');
}

static void put_times(struct fm_json_writer *json, const struct fm_reader_job *row)
{
    fm_json_put_time(json, "created_at", fm_id_time_ms(&row->id) * 1000);
    fm_json_put_time(json, "started_at", row->started_at_us);
    fm_json_put_time(json, "completed_at", row->completed_at_us);
    fm_json_put_time(json, "expires_at", row->expires_at_us);
}

void fm_job_view_write(const struct fm_job_view *job, const struct fm_signed_url *grant,
                       const char *base, int64_t now_us, struct fm_text *out)
{
    const struct fm_reader_job *row = job->row;
    const struct links links = {grant, base, now_us};
    struct fm_json_writer json = {.out = out};
    fm_json_open(&json, NULL, '{');
    put_id(&json, "id", FM_ID_JOB, &row->id);
    fm_json_put_text(&json, "object", "job");
    fm_json_put_text(&json, "type", fm_names_type[job->spec.type]);
    fm_json_put_text(&json, "status", fm_state_name(row->state));
    fm_json_put_bool(&json, "done", fm_state_is_ended(row->state));
    put_times(&json, row);
    put_input(&json, job);
    put_progress(&json, job);
    put_queue(&json, job);
    fm_json_put_integer(&json, "attempt", row->starts);
    fm_json_put_integer(&json, "max_attempts", row->max_attempts);
    fm_json_put_text(&json, "priority", fm_names_priority[job->spec.priority]);
    fm_json_put_text(&json, "node", row->node);
    put_source(&json, job);
    put_outputs(&json, job, &links);
    put_error(&json, job);
    put_metadata(&json, job);
    put_id(&json, "batch", FM_ID_BATCH, &row->batch);
    put_id(&json, "retry_of", FM_ID_JOB, &row->retry_of);
    fm_json_put_null(&json, "webhook_url");
    put_urls(&json, job, base);
    fm_json_close(&json, '}');
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

/* ---- what may be done to it ---- */

/* As validation asks for them: a fetch that has outputs made takes both. */
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
