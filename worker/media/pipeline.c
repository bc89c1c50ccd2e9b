/*
 * Wires the plan's stages together, runs each on its thread, and gathers the facts of the outputs.
 * Stages do not know each other: they meet in pipes and in the mux. A stage only ever waits for a
 * pipe, so closing all pipes stops every stage.
 */
#include "worker/media/pipeline.h"

#include <errno.h>
#include <libavutil/log.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/memory.h"
#include "worker/media/branch.h"
#include "worker/media/decode.h"
#include "worker/media/demux.h"
#include "worker/media/mux.h"
#include "worker/media/passthrough.h"
#include "worker/media/plan.h"
#include "worker/media/progress.h"

/* The most outputs a spec may have (proto/spec.def). */
#define OUTPUTS 16
#define BRANCHES (OUTPUTS * FM_PLAN_SLOTS)
/* A branch for each encoded stream of each output, a decoder for each slot, and the demuxer. */
#define STAGES (BRANCHES + FM_PLAN_SLOTS + 1)
#define PROGRESS_MS 500
/* How much may be missing at the end of a source that was cut off: the greater of the two. */
#define MISSED_SECONDS 1.0
#define MISSED_SHARE 0.1

struct pipeline;

struct stage {
    struct pipeline *pipeline;
    const char *name; /* of the thread */
    bool (*run)(void *object, struct fm_error *err);
    void *object;
    pthread_t thread;
};

struct pipeline {
    const struct fm_pipeline_request *request;
    struct fm_plan plan;
    struct fm_mux *muxes[OUTPUTS]; /* NULL for an output of format "copy" */
    struct fm_demux demux;
    struct fm_progress_meter meter;
    struct fm_remux remuxes[FM_PLAN_SLOTS][OUTPUTS];
    struct fm_decode decodes[FM_PLAN_SLOTS];
    struct fm_branch branches[BRANCHES];
    size_t branch_count;
    struct stage stages[STAGES];
    size_t stage_count;
    pthread_mutex_t lock;   /* of `running` and `first` */
    pthread_cond_t changed; /* a stage has ended */
    size_t running;         /* stages that have not ended */
    struct fm_error first;  /* the first error; FM_NONE while there is none */
    atomic_bool aborted;    /* tells the demuxer to stop, which may be reading and not waiting */
};

/* ---- libav's messages: a thread's last error message goes into the detail of its error ---- */

static _Thread_local char last_message[128];

/* libav calls this on whatever thread the message arises. Messages of a codec's own threads are
 * lost, which costs only a detail. */
static void keep_message(void *object, int level, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void keep_message(void *object, int level, const char *format, va_list arguments)
{
    (void)object;
    if (level > AV_LOG_ERROR) {
        return;
    }
    vsnprintf(last_message, sizeof(last_message), format, arguments);
    last_message[strcspn(last_message, "\n")] = '\0';
}

static void append_message(struct fm_error *err)
{
    size_t length = strlen(err->detail);
    if (last_message[0] && length < sizeof(err->detail)) {
        snprintf(err->detail + length, sizeof(err->detail) - length, " (%s)", last_message);
    }
}

/* ---- stages ---- */

/* Any thread. Muxes need nothing: no stage waits in one. */
static void abort_all(struct pipeline *pipeline)
{
    atomic_store(&pipeline->aborted, true);
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        if (pipeline->decodes[i].packets) {
            fm_pipe_close(pipeline->decodes[i].packets);
        }
    }
    for (size_t i = 0; i < pipeline->branch_count; i++) {
        fm_pipe_close(pipeline->branches[i].frames);
    }
}

/* Only the first error counts; the other stages then fail because of it. */
static void record_error(struct pipeline *pipeline, const struct fm_error *err)
{
    pthread_mutex_lock(&pipeline->lock);
    if (pipeline->first.code == FM_NONE) {
        pipeline->first = *err;
    }
    pthread_mutex_unlock(&pipeline->lock);
    abort_all(pipeline);
}

static void *run_stage(void *context)
{
    struct stage *stage = context;
    struct pipeline *pipeline = stage->pipeline;
    struct fm_error err = {0};
    (void)pthread_setname_np(pthread_self(), stage->name);
    last_message[0] = '\0';
    if (!stage->run(stage->object, &err)) {
        append_message(&err);
        record_error(pipeline, &err);
    }
    pthread_mutex_lock(&pipeline->lock);
    pipeline->running--;
    pthread_cond_signal(&pipeline->changed);
    pthread_mutex_unlock(&pipeline->lock);
    return NULL;
}

static bool run_demux(void *object, struct fm_error *err)
{
    return fm_demux_run(object, err);
}

static bool run_decode(void *object, struct fm_error *err)
{
    return fm_decode_run(object, err);
}

static bool run_branch(void *object, struct fm_error *err)
{
    return fm_branch_run(object, err);
}

static void add_stage(struct pipeline *pipeline, const char *name,
                      bool (*run)(void *object, struct fm_error *err), void *object)
{
    struct stage *stage = &pipeline->stages[pipeline->stage_count++];
    *stage = (struct stage){.pipeline = pipeline, .name = name, .run = run, .object = object};
}

/* ---- wiring: nothing runs yet ---- */

/* The first branch of a slot brings the slot's decoder with it. */
static bool add_branch(struct pipeline *pipeline, size_t output, enum fm_plan_slot slot,
                       struct fm_error *err)
{
    struct fm_branch *branch = &pipeline->branches[pipeline->branch_count++];
    struct fm_decode *decode = &pipeline->decodes[slot];
    if (!fm_branch_init(branch, &pipeline->plan.outputs[output], slot, pipeline->muxes[output],
                        err)) {
        return false;
    }
    if (!decode->packets) {
        decode->source = branch->encode.plan->source;
        decode->threads = pipeline->plan.threads;
        decode->packets = fm_demux_pipe_new();
        add_stage(pipeline, "decode", run_decode, decode);
    }
    decode->whole = decode->whole || !branch->encode.plan->still;
    decode->outlets[decode->outlet_count++] = branch->frames;
    add_stage(pipeline, "branch", run_branch, branch);
    return true;
}

static bool add_remux(struct pipeline *pipeline, size_t output, enum fm_plan_slot slot,
                      struct fm_error *err)
{
    struct fm_demux_stream *stream = &pipeline->demux.streams[slot];
    stream->remuxes = pipeline->remuxes[slot];
    return fm_remux_init(&stream->remuxes[stream->remux_count++], pipeline->muxes[output], slot,
                         &pipeline->plan.outputs[output], err);
}

static bool add_stream(struct pipeline *pipeline, size_t output, enum fm_plan_slot slot,
                       struct fm_error *err)
{
    const struct fm_plan_stream *plan = &pipeline->plan.outputs[output].streams[slot];
    if (plan->way == FM_PLAN_NONE) {
        return true;
    }
    struct fm_demux_stream *stream = &pipeline->demux.streams[slot];
    stream->source = plan->source;
    bool is_part = isfinite(pipeline->plan.outputs[output].part.end_seconds);
    stream->whole = stream->whole || !(plan->still || is_part);
    return plan->way == FM_PLAN_ENCODE ? add_branch(pipeline, output, slot, err)
                                       : add_remux(pipeline, output, slot, err);
}

static bool wire_stages(struct pipeline *pipeline, struct fm_error *err)
{
    pipeline->demux.input = pipeline->plan.input;
    pipeline->demux.seek_seconds = pipeline->plan.seek_seconds;
    pipeline->demux.max_seconds = pipeline->request->max_seconds;
    pipeline->demux.aborted = &pipeline->aborted;
    pipeline->meter = (struct fm_progress_meter){
        .plan = &pipeline->plan, .muxes = pipeline->muxes, .demux = &pipeline->demux};
    for (size_t i = 0; i < pipeline->plan.count; i++) {
        const struct fm_plan_output *output = &pipeline->plan.outputs[i];
        if (output->spec->format == FM_FORMAT_COPY) {
            continue;
        }
        if (!fm_mux_new(&pipeline->plan, output, pipeline->request->output_fds[i],
                        &pipeline->muxes[i], err) ||
            !add_stream(pipeline, i, FM_PLAN_VIDEO, err) ||
            !add_stream(pipeline, i, FM_PLAN_AUDIO, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        pipeline->demux.streams[i].decode = pipeline->decodes[i].packets;
    }
    add_stage(pipeline, "demux", run_demux, &pipeline->demux);
    return true;
}

/* ---- running ---- */

static void report_progress(struct pipeline *pipeline)
{
    if (!pipeline->request->on_progress) {
        return;
    }
    struct fm_progress_reading reading = fm_progress_read(&pipeline->meter);
    pipeline->request->on_progress(pipeline->request->context, &reading);
}

static struct timespec after_ms(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t nanoseconds = at.tv_nsec + ms % 1000 * 1000000;
    at.tv_sec += ms / 1000 + nanoseconds / 1000000000;
    at.tv_nsec = nanoseconds % 1000000000;
    return at;
}

/* Reports progress while the stages run, without the lock, because on_progress may take long. */
static void wait_for_stages(struct pipeline *pipeline)
{
    struct timespec next = after_ms(PROGRESS_MS);
    pthread_mutex_lock(&pipeline->lock);
    while (pipeline->running > 0) {
        if (pthread_cond_timedwait(&pipeline->changed, &pipeline->lock, &next) != ETIMEDOUT) {
            continue;
        }
        next = after_ms(PROGRESS_MS);
        pthread_mutex_unlock(&pipeline->lock);
        report_progress(pipeline);
        pthread_mutex_lock(&pipeline->lock);
    }
    pthread_mutex_unlock(&pipeline->lock);
}

/* Starts all stages and joins them. If a thread cannot be created, those that run are stopped and
 * joined like after any other error. */
static bool run_stages(struct pipeline *pipeline, struct fm_error *err)
{
    size_t started = 0;
    pipeline->running = pipeline->stage_count;
    for (; started < pipeline->stage_count; started++) {
        struct stage *stage = &pipeline->stages[started];
        int result = pthread_create(&stage->thread, NULL, run_stage, stage);
        if (result == 0) {
            continue;
        }
        struct fm_error failure = {0};
        fm_fail(&failure, FM_RESOURCE_MEMORY, "thread: %s", strerror(result));
        record_error(pipeline, &failure);
        break;
    }
    pthread_mutex_lock(&pipeline->lock);
    pipeline->running -= pipeline->stage_count - started;
    pthread_mutex_unlock(&pipeline->lock);
    wait_for_stages(pipeline);
    for (size_t i = 0; i < started; i++) {
        pthread_join(pipeline->stages[i].thread, NULL);
    }
    if (pipeline->first.code != FM_NONE) {
        *err = pipeline->first;
    }
    return pipeline->first.code == FM_NONE;
}

/* ---- the result ---- */

/* The length that the container claims for the stream, or for the file if it claims none. */
static double announced_seconds(const struct pipeline *pipeline, const AVStream *source)
{
    return source->duration > 0 ? (double)source->duration * av_q2d(source->time_base)
                                : pipeline->plan.duration_seconds;
}

/* A file that was cut off must have given at least nine tenths of what its header announces, or the
 * outputs would silently lack the rest. Only then is the header's length compared at all: a wrong
 * header alone is not damage. Streams whose end no output needs are not checked. */
static bool check_truncation(const struct pipeline *pipeline, struct fm_error *err)
{
    bool is_cut = fm_input_is_cut(pipeline->request->input);
    for (size_t i = 0; is_cut && i < FM_PLAN_SLOTS; i++) {
        const struct fm_demux_stream *stream = &pipeline->demux.streams[i];
        if (!stream->source || !stream->whole) {
            continue;
        }
        double announced = announced_seconds(pipeline, stream->source);
        double read = (double)stream->shown_us / AV_TIME_BASE;
        if (read + fmax(MISSED_SECONDS, announced * MISSED_SHARE) < announced) {
            return fm_fail(err, FM_MEDIA_INVALID, "the source is cut off at %.1f of %.1f s", read,
                           announced);
        }
    }
    return true;
}

/* The facts of output `i`, once its file is complete. A "copy" is written only here, when no stage
 * reads the input any more. */
static bool gather_facts(struct pipeline *pipeline, size_t i, struct fm_arena *arena,
                         struct fm_file_facts *facts, struct fm_error *err)
{
    const struct fm_plan_output *output = &pipeline->plan.outputs[i];
    fm_pack_defaults(&fm_record_file_facts, facts);
    facts->name = output->spec->name;
    facts->extension = output->format->extension;
    facts->content_type = output->format->content_type;
    facts->reason = output->reason ? output->reason : "the source as it came";
    if (pipeline->muxes[i]) {
        fm_mux_facts(pipeline->muxes[i], arena, facts);
        return true;
    }
    return fm_passthrough_source(pipeline->request->input, pipeline->request->output_fds[i], arena,
                                 facts, err);
}

/* ---- the whole pipeline ---- */

static struct pipeline *make_pipeline(const struct fm_pipeline_request *request)
{
    struct pipeline *pipeline = fm_alloc(sizeof(*pipeline));
    pthread_condattr_t attributes;
    pipeline->request = request;
    pthread_mutex_init(&pipeline->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pipeline->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return pipeline;
}

/* All stages have been joined. */
static void destroy_pipeline(struct pipeline **pointer)
{
    struct pipeline *pipeline = *pointer;
    for (size_t i = 0; i < pipeline->branch_count; i++) {
        fm_branch_done(&pipeline->branches[i]);
    }
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        fm_decode_done(&pipeline->decodes[i]);
        fm_pipe_destroy(&pipeline->decodes[i].packets);
        for (size_t k = 0; k < OUTPUTS; k++) {
            fm_remux_done(&pipeline->remuxes[i][k]);
        }
    }
    for (size_t i = 0; i < OUTPUTS; i++) {
        fm_mux_destroy(&pipeline->muxes[i]);
    }
    pthread_cond_destroy(&pipeline->changed);
    pthread_mutex_destroy(&pipeline->lock);
    free(pipeline);
    *pointer = NULL;
}

/* Plans and runs once. `*seek` says whether reading may begin late in the source, and returns
 * whether it did. */
static bool run_plan(const struct fm_pipeline_request *request, struct fm_arena *arena, bool *seek,
                     struct fm_file_facts *made, struct fm_error *err)
{
    FM_AUTO(destroy_pipeline) struct pipeline *pipeline = make_pipeline(request);
    if (!fm_plan_make(fm_input_format(request->input), request->spec, request->threads, arena,
                      &pipeline->plan, err)) {
        return false;
    }
    if (!*seek) {
        pipeline->plan.seek_seconds = 0;
    }
    pipeline->demux.rewind = !*seek;
    *seek = pipeline->plan.seek_seconds > 0;
    if (!wire_stages(pipeline, err) || !run_stages(pipeline, err) ||
        !check_truncation(pipeline, err)) {
        return false;
    }
    for (size_t i = 0; i < pipeline->plan.count; i++) {
        if (!gather_facts(pipeline, i, arena, &made[i], err)) {
            return false;
        }
    }
    return true;
}

bool fm_pipeline_run(const struct fm_pipeline_request *request, struct fm_arena *arena,
                     struct fm_file_facts *made, struct fm_error *err)
{
    struct fm_error failure = {0};
    bool seek = true;
    av_log_set_callback(keep_message);
    bool done = run_plan(request, arena, &seek, made, &failure);
    /* A damaged index can lead to a place from which nothing decodes. Stills and late parts are
     * then searched for from the source's start, and the outputs are written again from scratch. */
    bool empty = failure.code == FM_MEDIA_INVALID || failure.code == FM_TRIM_OUTSIDE;
    if (!done && seek && empty) {
        seek = false;
        done = run_plan(request, arena, &seek, made, &failure);
    }
    if (!done && err) {
        *err = failure;
    }
    return done;
}
