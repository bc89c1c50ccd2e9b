/*
 * WORK probes the source and runs the pipeline, or only probes it if the job wants the source as it
 * came; VERIFY proves finished files. Both send PROGRESS on the way.
 */
#include "worker/media/task.h"

#include "common/clock.h"
#include "common/eta.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/utf8.h"
#include "proto/spec.h"
#include "worker/media/html_guess.h"
#include "worker/media/pipeline.h"
#include "worker/media/probe.h"
#include "worker/media/verify.h"

/* The ranges of proto/messages.def. */
#define MAX_SPEED 100000.0
#define MAX_ETA_SECONDS 1e9

/* ---- progress ---- */

/* A running pipeline and how fast it is. */
struct pipeline_run {
    struct fm_task *task;
    struct fm_eta eta;
};

/* Does not wait: if the worker is too busy to read, one report of progress is lost. */
static void send_progress(struct fm_task *task, const struct fm_message *message)
{
    struct fm_error err = {0};
    if (!fm_channel_send(task->channel, message, NULL, 0, 0, &err)) {
        fm_log(FM_LOG_DEBUG, "progress_dropped", "detail=\"%s\"", err.detail);
    }
}

/* `percent` below 0: unknown. `source`: its facts, once they are known, else NULL. */
static void report_stage(struct fm_task *task, enum fm_stage stage, double percent,
                         const struct fm_source_facts *source)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    message.progress.stage = stage;
    message.progress.percent = percent;
    message.progress.source = source;
    send_progress(task, &message);
    fm_message_done(&message);
}

static double clamp(double value, double most)
{
    if (value < 0) {
        return 0;
    }
    return value > most ? most : value;
}

/* fm_pipeline_request.on_progress. The time left and the speed come from the same readings. */
static void report_pipeline(void *context, const struct fm_progress_reading *reading)
{
    struct pipeline_run *run = context;
    fm_eta_note(&run->eta, fm_clock_ms(), reading->done_seconds, reading->total_seconds);
    double rate = fm_eta_rate(&run->eta), left = fm_eta_left(&run->eta);
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    message.progress.stage = FM_STAGE_PROCESS;
    message.progress.frames = reading->frames;
    if (rate >= 0) {
        message.progress.speed = clamp(rate, MAX_SPEED);
    }
    if (reading->total_seconds > 0) {
        message.progress.percent = clamp(reading->done_seconds / reading->total_seconds * 100, 100);
    }
    if (left >= 0) {
        message.progress.eta_seconds = clamp(left, MAX_ETA_SECONDS);
    }
    send_progress(run->task, &message);
    fm_message_done(&message);
}

/* ---- WORK ---- */

/* Whether an error says that these bytes are not media we know, as opposed to media that is refused
 * (too large, too long, encrypted). */
static bool is_no_media(enum fm_error_code code)
{
    return code == FM_UNSUPPORTED_CONTAINER || code == FM_NO_MEDIA_FOUND ||
           code == FM_MEDIA_INVALID || code == FM_UNSUPPORTED_CODEC;
}

/* Opens the source and fills its facts; the caller destroys `*input`. A web page in place of media
 * is reported as NO_MEDIA_FOUND. */
static bool probe_source(struct fm_task *task, const struct fm_work *work, struct fm_input **input,
                         struct fm_source_facts *source)
{
    if (work->size_bytes > INT64_MAX) {
        return fm_fail(&task->err, FM_PROTOCOL, "the size of the input is out of range");
    }
    if (fm_input_open(task->fds[0], (int64_t)work->size_bytes, work->max_seconds, input,
                      &task->err) &&
        fm_probe_source(fm_input_format(*input), &task->arena, source, &task->err)) {
        source->size_bytes = work->size_bytes;
        return true;
    }
    if (is_no_media(task->err.code) && fm_html_guess(task->fds[0], work->content_type)) {
        return fm_fail(&task->err, FM_NO_MEDIA_FOUND, "an HTML page");
    }
    return false;
}

/* A job that wants the source as it came gets it whatever the bytes are; facts are given as far as
 * they can be read, and of media that cannot be opened at least the container's name. Refused are
 * only a web page, a source longer than the account permits, and encrypted media, so that the
 * client learns of those now and not when somebody plays the file. */
static bool run_passthrough(struct fm_task *task, const struct fm_work *work,
                            struct fm_message *end)
{
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    struct fm_source_facts *source = fm_arena_alloc(&task->arena, sizeof(*source));
    report_stage(task, FM_STAGE_PROBE, -1, NULL);
    if (probe_source(task, work, &input, source)) {
        end->end.source = source;
        return true;
    }
    bool is_page =
        task->err.code == FM_NO_MEDIA_FOUND && fm_html_guess(task->fds[0], work->content_type);
    bool is_unreadable =
        task->err.code == FM_MEDIA_TOO_LARGE || task->err.code == FM_UNSUPPORTED_CODEC;
    if (is_page || (!is_unreadable && !is_no_media(task->err.code))) {
        return false;
    }
    if (is_unreadable) {
        source->container = fm_input_name(task->fds[0], (int64_t)work->size_bytes);
    }
    source->size_bytes = work->size_bytes;
    end->end.source = source;
    return true;
}

static bool make_outputs(struct fm_task *task, const struct fm_work *work,
                         const struct fm_spec *spec, struct fm_message *end)
{
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    struct fm_source_facts *source = fm_arena_alloc(&task->arena, sizeof(*source));
    struct fm_file_facts *made = fm_arena_alloc(&task->arena, spec->outputs.count * sizeof(*made));
    report_stage(task, FM_STAGE_PROBE, -1, NULL);
    if (!probe_source(task, work, &input, source)) {
        return false;
    }
    end->end.source = source;
    report_stage(task, FM_STAGE_PROCESS, -1, source);
    struct pipeline_run run = {.task = task};
    fm_eta_note(&run.eta, fm_clock_ms(), 0, 0);
    const struct fm_pipeline_request request = {
        .input = input,
        .spec = spec,
        .max_seconds = work->max_seconds,
        .output_fds = task->fds + 1,
        .threads = (unsigned)work->threads,
        .context = &run,
        .on_progress = report_pipeline,
    };
    if (!fm_pipeline_run(&request, &task->arena, made, &task->err)) {
        return false;
    }
    end->end.files = (struct fm_list){.items = made, .count = spec->outputs.count};
    return true;
}

/* WORK brings the source's descriptor and one for each output; a job that wants the source as it
 * came has no output to write. */
static bool run_work(struct fm_task *task, const struct fm_message *command, struct fm_message *end)
{
    struct fm_spec spec;
    if (!fm_spec_read(command->work.spec, &task->arena, &spec, &task->err)) {
        return false;
    }
    bool copy = fm_spec_is_copy(&spec);
    size_t needed = copy ? 1 : 1 + spec.outputs.count;
    if (task->fd_count != needed) {
        return fm_fail(&task->err, FM_PROTOCOL, "%zu descriptors came, %zu were expected",
                       task->fd_count, needed);
    }
    return copy ? run_passthrough(task, &command->work, end)
                : make_outputs(task, &command->work, &spec, end);
}

/* ---- VERIFY ---- */

/* VERIFY brings a descriptor for each file it expects facts of, and stops at the first bad file. */
static bool run_verify(struct fm_task *task, const struct fm_message *command,
                       struct fm_message *end)
{
    const struct fm_file_facts *expect = command->verify.expect.items;
    size_t count = command->verify.expect.count;
    if (task->fd_count != count) {
        return fm_fail(&task->err, FM_PROTOCOL, "%zu descriptors came, %zu were expected",
                       task->fd_count, count);
    }
    struct fm_file_facts *found = fm_arena_alloc(&task->arena, (count + 1) * sizeof(*found));
    report_stage(task, FM_STAGE_VERIFY, 0, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!fm_verify_file(task->fds[i], &expect[i], command->verify.max_seconds, &task->arena,
                            &found[i], &task->err)) {
            return false;
        }
    }
    end->end.files = (struct fm_list){.items = found, .count = count};
    return true;
}

/* ---- the command ---- */

static const struct {
    enum fm_message_type type;
    bool (*run)(struct fm_task *, const struct fm_message *, struct fm_message *);
} tasks[] = {
    {FM_MESSAGE_WORK, run_work},
    {FM_MESSAGE_VERIFY, run_verify},
};

bool fm_task_knows(enum fm_message_type type)
{
    for (size_t i = 0; i < FM_COUNT(tasks); i++) {
        if (tasks[i].type == type) {
            return true;
        }
    }
    return false;
}

void fm_task_run(struct fm_task *task, const struct fm_message *command, struct fm_message *end)
{
    fm_message_init(end, FM_MESSAGE_END);
    for (size_t i = 0; i < FM_COUNT(tasks); i++) {
        if (tasks[i].type != command->type || tasks[i].run(task, command, end)) {
            continue;
        }
        /* The detail may quote the file, which must not be able to make the message invalid. */
        fm_utf8_clean_ascii(task->err.detail);
        end->end.error = task->err.code;
        end->end.detail = task->err.detail;
    }
}

void fm_task_done(struct fm_task *task)
{
    fm_arena_done(&task->arena);
}
