/*
 * Moves an attempt from step to step; the worker on one page. The worker introduces processes to
 * each other and never touches what they carry: no libav, no libcurl, no PostgreSQL, no credentials
 * but the node's key.
 *
 *   link → slot → job (one per attempt) → child (one channel and one pidfd each)            sweep
 *
 *   one child    exec → READY → idle (media: perhaps as a spare) → busy → END → exit 0 → reaped
 *                at any point: deadline, CANCEL, crash, worker's end → SIGKILL to group → reaped
 *
 *   one attempt  JOB → slot, directory → transfer:FETCH → media:WORK → media:VERIFY
 *                → transfer:DELIVER → RESULT, repeated until RESULT_ACK → slot free
 *
 *   process       lives        holds besides its channel (descriptor 3)  cannot
 *   transfer      one attempt  the work directory, sockets               parse media
 *   media:work    one task     the source read-only, outputs writable    open, connect, exec, fork
 *   media:verify  one task     outputs read-only, nothing writable       the same
 *
 * Children never talk to each other, only to the worker. child_rules.c has which message a child
 * may send and when; command.c, the tasks it gets; relay.c, what passes between it and the broker.
 * WORK waits for COMPLETE. VERIFY waits until media:work is reaped, so that nobody can write to the
 * outputs any more. DELIVER waits until verify has succeeded; a copy makes nothing, so it skips
 * VERIFY. SOURCE of a later generation kills the media child and voids the outputs; messages about
 * an older generation are dropped.
 *
 *   how a child ended                      means
 *   exit after END                         the result in END
 *   exit without END, SEGV, out of turn    crashed: media_crash; for transfer, internal_error
 *   SIGSYS, SIGXCPU                        crashed: sandbox_violation, resource_cpu
 *   SIGKILL by the worker                  the verdict the attempt already has
 *   SIGKILL from elsewhere                 lost
 *
 * The first verdict stands; it kills the children that still run, and RESULT is sent once all are
 * reaped. From outside, only CANCEL, a final REFUSE, the deadline or the worker's end can end an
 * attempt: silence of the broker never does.
 */
#include "worker/job.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/utf8.h"
#include "worker/child_message.h"
#include "worker/command.h"
#include "worker/relay.h"

static void advance_attempt(struct fm_job_attempt *attempt);

/* ---- the verdict ---- */

static void log_job(const struct fm_job_attempt *attempt, const char *event, const char *what)
{
    char job[FM_ID_TEXT_SIZE];
    char lease[FM_ID_LEASE_SIZE];
    fm_id_format(FM_ID_JOB, &attempt->job, job);
    fm_id_format_lease(attempt->lease, lease);
    fm_log(FM_LOG_INFO, event, "job=%s lease=%s %s", job, lease, what);
}

/* The text may come from a child and goes into the worker's log, so it is cut to clean ASCII. */
static void set_detail(struct fm_job_attempt *attempt, const char *detail)
{
    snprintf(attempt->detail, sizeof(attempt->detail), "%s", detail);
    fm_utf8_clean_ascii(attempt->detail);
}

/* Sets the verdict, unless there is one, and kills the children. The caller then calls
 * advance_attempt(), which finishes the attempt at once if none runs. */
static void set_verdict(struct fm_job_attempt *attempt, enum fm_how how, enum fm_error_code error,
                        const char *detail)
{
    if (attempt->has_verdict) {
        return;
    }
    attempt->has_verdict = true;
    attempt->how = how;
    attempt->error = error;
    set_detail(attempt, detail);
    attempt->phase = FM_JOB_ENDING;
    if (attempt->transfer != NULL) {
        fm_child_kill(attempt->transfer);
    }
    if (attempt->media != NULL) {
        fm_child_kill(attempt->media);
    }
}

static void fail_attempt(struct fm_job_attempt *attempt, const struct fm_error *err)
{
    set_verdict(attempt, FM_HOW_FAILED, err->code, err->detail);
}

/* The verdict is there and the last child is reaped. */
static void finish_attempt(struct fm_job_attempt *attempt)
{
    static const char *const names[] = {"how=succeeded", "how=failed", "how=crashed", "how=lost"};
    if (attempt->is_unreported) {
        log_job(attempt, "attempt_dropped", attempt->detail);
        attempt->phase = FM_JOB_OVER;
        return;
    }
    char what[FM_COUNT(attempt->detail) + 64];
    snprintf(what, sizeof(what), "%s error=%s detail=\"%s\"", names[attempt->how],
             attempt->error == FM_NONE ? "none" : fm_error_row(attempt->error)->public_code,
             attempt->detail);
    log_job(attempt, "attempt_ended", what);
    fm_fault("result_unsent");
    attempt->phase = FM_JOB_REPORTING;
    fm_job_report(attempt);
}

void fm_job_report(struct fm_job_attempt *attempt)
{
    if (attempt->phase == FM_JOB_REPORTING) {
        fm_relay_result(attempt);
        attempt->result_at_ms = fm_clock_ms() + fm_link_round_ms(attempt->host->link);
        fm_fault("result_sent");
    }
}

/* ---- what a child's end means ---- */

static bool apply_work_end(struct fm_job_attempt *attempt, const struct fm_end *end,
                           struct fm_error *err)
{
    if (end->source != NULL) {
        fm_facts_add_source(&attempt->source, end->source, &attempt->arena);
        attempt->has_facts = true;
    }
    attempt->is_worked = true;
    if (attempt->is_copy) {
        struct fm_file_facts *file = fm_arena_alloc(&attempt->arena, sizeof(*file));
        fm_facts_of_copy(&attempt->spec, &attempt->source, file);
        attempt->outputs = (struct fm_list){file, 1};
        return true;
    }
    attempt->outputs = fm_facts_copy_files(&end->files, &attempt->arena);
    return fm_facts_name_outputs(&attempt->spec, &attempt->outputs, err) &&
           fm_files_seal_outputs(&attempt->files, err);
}

static bool apply_verify_end(struct fm_job_attempt *attempt, const struct fm_end *end,
                             struct fm_error *err)
{
    attempt->is_verified = true;
    return fm_facts_add_verified(&attempt->outputs, &end->files, &attempt->arena, err);
}

static bool apply_transfer_end(struct fm_job_attempt *attempt, const struct fm_end *end,
                               struct fm_error *err)
{
    if (!fm_facts_add_delivered(&attempt->outputs, &end->files, &attempt->arena, err)) {
        return false;
    }
    set_verdict(attempt, FM_HOW_SUCCEEDED, FM_NONE, "");
    return true;
}

static void apply_end(struct fm_job_attempt *attempt, const struct fm_child *child)
{
    fm_fault("child_ended");
    const struct fm_end *end = &child->end.end;
    struct fm_error err = {0};
    bool is_applied = true;
    if (end->error != FM_NONE) {
        set_verdict(attempt, FM_HOW_FAILED, fm_error_from_wire(end->error),
                    end->detail != NULL ? end->detail : "");
        return;
    }
    if (child->role == FM_CHILD_TRANSFER) {
        is_applied = apply_transfer_end(attempt, end, &err);
    } else if (child->role == FM_CHILD_WORK) {
        is_applied = apply_work_end(attempt, end, &err);
    } else {
        is_applied = apply_verify_end(attempt, end, &err);
    }
    if (!is_applied) {
        fail_attempt(attempt, &err);
    }
}

static void apply_fate(struct fm_job_attempt *attempt, const struct fm_child *child,
                       enum fm_child_fate fate)
{
    static const struct {
        enum fm_how how;
        enum fm_error_code error;
    } meanings[] = {
        [FM_CHILD_CRASHED] = {FM_HOW_CRASHED, FM_MEDIA_CRASH},
        [FM_CHILD_SANDBOX] = {FM_HOW_CRASHED, FM_SANDBOX_VIOLATION},
        [FM_CHILD_CPU] = {FM_HOW_CRASHED, FM_RESOURCE_CPU},
        [FM_CHILD_LOST] = {FM_HOW_LOST, FM_WORKER_LOST},
    };
    if (fate == FM_CHILD_FINISHED) {
        apply_end(attempt, child);
    } else if (fate == FM_CHILD_KILLED) {
        /* Cannot happen: this file kills only with a verdict, or a void media child. */
        set_verdict(attempt, FM_HOW_LOST, FM_WORKER_LOST, child->detail);
    } else {
        bool is_transfer_crash = fate == FM_CHILD_CRASHED && child->role == FM_CHILD_TRANSFER;
        set_verdict(attempt, meanings[fate].how,
                    is_transfer_crash ? FM_INTERNAL : meanings[fate].error, child->detail);
    }
}

/* child.c passes on no message of a killed child, so none is from an older generation's media. */
static void on_message(void *context, struct fm_child *child, const struct fm_message *message,
                       int *fds)
{
    struct fm_job_attempt *attempt = context;
    if (attempt->phase == FM_JOB_RUNNING) {
        fm_child_message_handle(attempt, child, message, fds);
    }
    advance_attempt(attempt);
}

static void on_gone(void *context, struct fm_child *child, enum fm_child_fate fate)
{
    struct fm_job_attempt *attempt = context;
    bool is_void = child == attempt->media && attempt->is_media_void;
    if (child == attempt->transfer) {
        attempt->transfer = NULL;
    } else {
        attempt->media = NULL;
        attempt->is_media_void = false;
    }
    if (attempt->phase == FM_JOB_RUNNING && !is_void) {
        apply_fate(attempt, child, fate);
    }
    fm_child_destroy(&child);
    advance_attempt(attempt);
}

/* ---- the steps ---- */

static bool is_idle(const struct fm_child *child, enum fm_child_role role)
{
    return child != NULL && child->role == role && child->state == FM_CHILD_IDLE;
}

static bool is_fetch_due(const struct fm_job_attempt *attempt)
{
    return is_idle(attempt->transfer, FM_CHILD_TRANSFER);
}

/* The files to deliver exist and are verified. For a copy it is enough that work has probed it. */
static bool is_made(const struct fm_job_attempt *attempt)
{
    return attempt->is_copy ? attempt->is_worked : attempt->is_verified;
}

/* A child for WORK or, once that is done and reaped, for VERIFY. */
static bool is_media_due(const struct fm_job_attempt *attempt)
{
    return attempt->is_complete && attempt->media == NULL && !is_made(attempt);
}

static bool take_media_child(struct fm_job_attempt *attempt, struct fm_error *err)
{
    const struct fm_child_owner owner = {attempt, on_message, on_gone};
    enum fm_child_role role = attempt->is_worked ? FM_CHILD_VERIFY : FM_CHILD_WORK;
    attempt->media = fm_spare_take(attempt->host->spares, role, &owner, err);
    return attempt->media != NULL;
}

static bool is_work_due(const struct fm_job_attempt *attempt)
{
    return attempt->is_complete && is_idle(attempt->media, FM_CHILD_WORK);
}

static bool is_verify_due(const struct fm_job_attempt *attempt)
{
    return attempt->is_complete && is_idle(attempt->media, FM_CHILD_VERIFY);
}

static bool is_deliver_due(const struct fm_job_attempt *attempt)
{
    return is_made(attempt) && attempt->media == NULL && attempt->transfer != NULL &&
           attempt->transfer->state == FM_CHILD_BUSY;
}

/* In the attempt's order; a step's own condition keeps it from running twice. */
static const struct {
    bool (*is_due)(const struct fm_job_attempt *attempt);
    bool (*run)(struct fm_job_attempt *attempt, struct fm_error *err);
} steps[] = {
    {is_fetch_due, fm_command_fetch},     {is_media_due, take_media_child},
    {is_work_due, fm_command_work},       {is_verify_due, fm_command_verify},
    {is_deliver_due, fm_command_deliver},
};

/* Runs every step that is due, in order. With a verdict and all children reaped, finishes. */
static void advance_attempt(struct fm_job_attempt *attempt)
{
    for (size_t i = 0; i < FM_COUNT(steps); i++) {
        struct fm_error err = {0};
        if (attempt->phase == FM_JOB_RUNNING && steps[i].is_due(attempt) &&
            !steps[i].run(attempt, &err)) {
            fail_attempt(attempt, &err);
        }
    }
    if (attempt->phase == FM_JOB_ENDING && attempt->transfer == NULL && attempt->media == NULL) {
        finish_attempt(attempt);
    }
}

/* ---- outside ---- */

static bool read_id(struct fm_slice bytes, struct fm_id *id, struct fm_error *err)
{
    if (bytes.length != sizeof(id->bytes)) {
        return fm_fail(err, FM_PROTOCOL, "an id has %zu bytes", bytes.length);
    }
    memcpy(id->bytes, bytes.data, sizeof(id->bytes));
    return true;
}

struct fm_job_attempt *fm_job_new(const struct fm_job_host *host, struct fm_message *message)
{
    struct fm_job_attempt *attempt = fm_alloc(sizeof(*attempt));
    struct fm_error err = {0};
    attempt->host = host;
    attempt->message = *message;
    message->arena = (struct fm_arena){0};
    attempt->lease = attempt->message.job.lease;
    attempt->class = (enum fm_class)attempt->message.job.class;
    attempt->deadline_ms = fm_clock_ms() + (int64_t)attempt->message.job.time_ms;
    attempt->files = (struct fm_files){.directory_fd = -1, .source_fd = -1};
    fm_pack_defaults(&fm_record_source_facts, &attempt->source);
    fm_pack_defaults(&fm_record_progress, &attempt->progress);
    if (!read_id(attempt->message.job.account, &attempt->account, &err) ||
        !read_id(attempt->message.job.job, &attempt->job, &err) ||
        !fm_spec_read(attempt->message.job.spec, &attempt->arena, &attempt->spec, &err)) {
        fail_attempt(attempt, &err);
        advance_attempt(attempt);
        return attempt;
    }
    attempt->is_copy = fm_spec_is_copy(&attempt->spec);
    return attempt;
}

void fm_job_destroy(struct fm_job_attempt **attempt)
{
    if (*attempt == NULL) {
        return;
    }
    fm_child_destroy(&(*attempt)->transfer);
    fm_child_destroy(&(*attempt)->media);
    fm_files_remove(&(*attempt)->files);
    fm_message_done(&(*attempt)->message);
    fm_arena_done(&(*attempt)->arena);
    fm_memory_release(attempt);
    *attempt = NULL;
}

void fm_job_start(struct fm_job_attempt *attempt)
{
    const struct fm_job_host *host = attempt->host;
    const struct fm_child_owner owner = {attempt, on_message, on_gone};
    struct fm_error err = {0};
    attempt->phase = FM_JOB_RUNNING;
    log_job(attempt, "attempt_started", attempt->is_copy ? "kind=copy" : "kind=make");
    if (fm_files_open(&attempt->files, host->work_dir, &attempt->job, attempt->lease, &err)) {
        attempt->transfer =
            fm_child_new(host->loop, host->transfer_path, FM_CHILD_TRANSFER, &owner, &err);
    }
    fm_fault("child_started");
    if (attempt->transfer == NULL) {
        fail_attempt(attempt, &err);
    }
    advance_attempt(attempt);
}

void fm_job_cancel(struct fm_job_attempt *attempt, const char *why)
{
    attempt->is_unreported = true;
    if (attempt->phase == FM_JOB_REPORTING) {
        attempt->phase = FM_JOB_OVER;
        return;
    }
    set_verdict(attempt, FM_HOW_FAILED, FM_CANCELED, why);
    advance_attempt(attempt);
}

void fm_job_acknowledge(struct fm_job_attempt *attempt, bool is_stale)
{
    if (attempt->phase != FM_JOB_REPORTING) {
        return;
    }
    fm_fault("result_ack_received");
    log_job(attempt, "attempt_acknowledged", is_stale ? "stale=true" : "stale=false");
    attempt->phase = FM_JOB_OVER;
}

void fm_job_welcome(struct fm_job_attempt *attempt)
{
    fm_relay_origins(attempt);
    fm_job_report(attempt);
}

void fm_job_upload(struct fm_job_attempt *attempt, const struct fm_upload *upload)
{
    fm_relay_upload(attempt, upload);
}

static int64_t tick_running(struct fm_job_attempt *attempt, int64_t now_ms)
{
    int64_t wake_ms = FM_CLOCK_NEVER;
    if (attempt->transfer != NULL) {
        wake_ms = fm_clock_earlier(wake_ms, fm_child_tick(attempt->transfer, now_ms));
    }
    if (attempt->media != NULL) {
        wake_ms = fm_clock_earlier(wake_ms, fm_child_tick(attempt->media, now_ms));
    }
    wake_ms = fm_clock_earlier(wake_ms, fm_relay_tick(attempt, now_ms));
    return fm_clock_earlier(wake_ms, attempt->deadline_ms);
}

int64_t fm_job_tick(struct fm_job_attempt *attempt, int64_t now_ms)
{
    bool is_live = attempt->phase == FM_JOB_IN_HAND || attempt->phase == FM_JOB_RUNNING;
    if (is_live && now_ms >= attempt->deadline_ms) {
        set_verdict(attempt, FM_HOW_FAILED, FM_DEADLINE_EXCEEDED, "the attempt's deadline passed");
        advance_attempt(attempt);
    }
    if (attempt->phase == FM_JOB_REPORTING && now_ms >= attempt->result_at_ms) {
        fm_job_report(attempt);
    }
    if (attempt->phase == FM_JOB_REPORTING) {
        return attempt->result_at_ms;
    }
    return is_live && attempt->phase != FM_JOB_ENDING ? tick_running(attempt, now_ms)
                                                      : FM_CLOCK_NEVER;
}
