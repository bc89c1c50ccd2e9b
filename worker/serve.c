/* Runs the loop: tick, wait for one descriptor, tick again. All state hangs on struct serve, which
 * lives on the stack of fm_serve_run. */
#include "worker/serve.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"
#include "worker/job.h"
#include "worker/slot.h"
#include "worker/sweep.h"

/* Killed children are reaped within milliseconds, unless a disk holds them up. */
#define STOP_MS 5000
#define BYE_LINGER_MS 500
/* The interval of sweeps is a quarter of sweep_age_seconds, within these limits. */
#define SWEEP_MAX_MS 60000
#define SWEEP_MIN_MS 1000

struct serve {
    const struct fm_serve_options *options;
    struct fm_job_host host;
    struct fm_slots slots;
    struct fm_job_attempt *attempts; /* in the order their JOBs came; owned */
    struct fm_message welcome;       /* the latest WELCOME; host.welcome points into it */
    int signal_fd;
    struct fm_loop_source on_signal;
    int64_t sweep_at_ms;
    bool has_news;          /* a message came in this tick: tick again before waiting */
    int64_t drain_until_ms; /* 0: not draining */
    bool is_stopping;
    enum fm_daemon_exit exit_code;
};

/* ---- the list ---- */

/* By the lease alone, for no two attempts ever share one; NULL: not here. */
static struct fm_job_attempt *find_attempt(const struct serve *serve, uint64_t lease)
{
    struct fm_job_attempt *at = serve->attempts;
    while (at != NULL && at->lease != lease) {
        at = at->next;
    }
    return at;
}

static void append_attempt(struct serve *serve, struct fm_job_attempt *attempt)
{
    struct fm_job_attempt **at = &serve->attempts;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = attempt;
}

/* For HELLO and HEARTBEAT: all attempts but those that are over, also the ones whose RESULT is not
 * acknowledged, or else the broker would give their jobs to another worker. */
static size_t list_held(void *context, struct fm_held *out, size_t capacity)
{
    const struct serve *serve = context;
    size_t count = 0;
    for (struct fm_job_attempt *at = serve->attempts; at != NULL && count < capacity;
         at = at->next) {
        if (at->phase == FM_JOB_OVER) {
            continue;
        }
        out[count++] = (struct fm_held){
            .account = {(const char *)at->account.bytes, sizeof(at->account.bytes)},
            .job = {(const char *)at->job.bytes, sizeof(at->job.bytes)},
            .lease = at->lease,
            .class = at->class,
        };
    }
    return count;
}

static void release_place(struct serve *serve, struct fm_job_attempt *attempt)
{
    if (attempt->has_slot) {
        fm_slot_release(&serve->slots, attempt->class, attempt->is_freeing);
    }
    if (attempt->is_in_hand) {
        fm_slot_drop_in_hand(&serve->slots, attempt->class);
    }
}

/* A placed attempt is destroyed only here and when the worker ends, never inside a callback of its
 * own children. */
static void remove_over(struct serve *serve)
{
    struct fm_job_attempt **at = &serve->attempts;
    while (*at != NULL) {
        struct fm_job_attempt *attempt = *at;
        if (attempt->phase != FM_JOB_OVER) {
            at = &attempt->next;
            continue;
        }
        *at = attempt->next;
        release_place(serve, attempt);
        fm_job_destroy(&attempt);
    }
}

/* ---- messages from the broker ---- */

static void reject_job(struct serve *serve, const struct fm_job_attempt *attempt,
                       const char *reason)
{
    const struct fm_job *job = &attempt->message.job;
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_REJECT);
    message.reject.account = job->account;
    message.reject.job = job->job;
    message.reject.lease = job->lease;
    message.reject.reason = reason;
    fm_link_send(serve->host.link, &message);
    fm_message_done(&message);
    fm_log(FM_LOG_WARNING, "job_rejected", "reason=\"%s\"", reason);
}

/* Gives the attempt a slot, or keeps it in hand; false: neither is possible. A JOB that could not
 * be read needs no slot: the attempt only reports why. */
static bool place_attempt(struct serve *serve, struct fm_job_attempt *attempt)
{
    if (attempt->phase != FM_JOB_IN_HAND) {
        return true;
    }
    switch (fm_slot_take(&serve->slots, attempt->class)) {
    case FM_SLOT_TAKEN:
        attempt->has_slot = true;
        fm_job_start(attempt);
        return true;
    case FM_SLOT_IN_HAND:
        attempt->is_in_hand = true;
        return true;
    case FM_SLOT_NONE:
        break;
    }
    return false;
}

/* Also true if the disk cannot be asked: the job will then fail with the system's own error. */
static bool has_room(const struct serve *serve)
{
    struct statvfs disk;
    return statvfs(serve->options->work_dir, &disk) != 0 ||
           fm_slot_has_room(&serve->slots, (uint64_t)disk.f_bavail * disk.f_frsize);
}

/* Places the job and returns NULL, or returns why it cannot be placed now. */
static const char *why_not_placed(struct serve *serve, struct fm_job_attempt *attempt)
{
    if (serve->is_stopping || serve->drain_until_ms > 0) {
        return "stopping";
    }
    if (!has_room(serve)) {
        return "not enough disk space";
    }
    return place_attempt(serve, attempt) ? NULL : "no free slot";
}

static void handle_job(struct serve *serve, struct fm_message *message)
{
    struct fm_job_attempt *held = find_attempt(serve, message->job.lease);
    if (held != NULL) {
        /* The broker sent this JOB twice. If the attempt has ended, repeat its RESULT. */
        fm_job_report(held);
        return;
    }
    remove_over(serve); /* the RESULT_ACK that frees its slot may have come in this same tick */
    struct fm_job_attempt *attempt = fm_job_new(&serve->host, message);
    fm_fault("job_received");
    const char *why_not = why_not_placed(serve, attempt);
    if (why_not != NULL) {
        reject_job(serve, attempt, why_not);
        fm_job_destroy(&attempt);
        return;
    }
    append_attempt(serve, attempt);
}

/* The broker may reuse the slot at once, so a JOB for it may be on its way while the children are
 * still being killed: the slot is marked as being freed. */
static void cancel_attempt(struct serve *serve, struct fm_job_attempt *attempt, const char *why)
{
    fm_job_cancel(attempt, why);
    if (attempt->phase == FM_JOB_ENDING && attempt->has_slot && !attempt->is_freeing) {
        attempt->is_freeing = true;
        fm_slot_mark_freeing(&serve->slots, attempt->class);
    }
}

static void handle_cancel(struct serve *serve, struct fm_message *message)
{
    struct fm_job_attempt *attempt = find_attempt(serve, message->cancel.lease);
    if (attempt != NULL) {
        cancel_attempt(serve, attempt, fm_names_cancel_reason[message->cancel.reason]);
    }
}

static void handle_result_ack(struct serve *serve, struct fm_message *message)
{
    struct fm_job_attempt *attempt = find_attempt(serve, message->result_ack.lease);
    if (attempt != NULL) {
        fm_job_acknowledge(attempt, message->result_ack.stale);
    }
}

static void handle_upload(struct serve *serve, struct fm_message *message)
{
    struct fm_job_attempt *attempt = find_attempt(serve, message->upload.lease);
    if (attempt != NULL) {
        fm_job_upload(attempt, &message->upload);
    }
}

static void handle_welcome(struct serve *serve, struct fm_message *message)
{
    fm_message_done(&serve->welcome);
    serve->welcome = *message;
    message->arena = (struct fm_arena){0};
    serve->host.welcome = &serve->welcome.welcome;
    for (struct fm_job_attempt *at = serve->attempts; at != NULL; at = at->next) {
        fm_job_welcome(at);
    }
}

static void begin_stop(struct serve *serve, enum fm_daemon_exit exit_code, const char *why)
{
    if (serve->is_stopping) {
        return;
    }
    fm_log(FM_LOG_INFO, "stopping", "reason=%s", why);
    serve->is_stopping = true;
    serve->exit_code = exit_code;
}

/* Only a final refusal comes here: link.c answers "unknown" with a new HELLO. */
static void handle_refuse(struct serve *serve, struct fm_message *message)
{
    static const enum fm_daemon_exit codes[] = {
        [FM_REFUSAL_UNKNOWN] = FM_DAEMON_FAILED,
        [FM_REFUSAL_REVOKED] = FM_DAEMON_REVOKED,
        [FM_REFUSAL_SUPERSEDED] = FM_DAEMON_SUPERSEDED,
        [FM_REFUSAL_VERSION] = FM_DAEMON_VERSION,
    };
    fm_log(FM_LOG_ERROR, "refused", "reason=%s broker_version=%u worker_version=%u",
           fm_names_refusal[message->refuse.reason], (unsigned)message->refuse.version,
           FM_MESSAGE_VERSION);
    begin_stop(serve, codes[message->refuse.reason], "refused");
}

static const struct {
    enum fm_message_type type;
    void (*handle)(struct serve *serve, struct fm_message *message);
} handlers[] = {
    {FM_MESSAGE_WELCOME, handle_welcome},       {FM_MESSAGE_JOB, handle_job},
    {FM_MESSAGE_CANCEL, handle_cancel},         {FM_MESSAGE_UPLOAD, handle_upload},
    {FM_MESSAGE_RESULT_ACK, handle_result_ack}, {FM_MESSAGE_REFUSE, handle_refuse},
};

static void on_message(void *context, struct fm_message *message)
{
    struct serve *serve = context;
    serve->has_news = true;
    for (size_t i = 0; i < FM_COUNT(handlers); i++) {
        if (handlers[i].type == message->type) {
            handlers[i].handle(serve, message);
            return;
        }
    }
}

/* ---- timed work ---- */

/* Starts nothing while no broker is attached: the job may have been given to another worker. */
static void start_in_hand(struct serve *serve)
{
    if (!fm_link_is_attached(serve->host.link)) {
        return;
    }
    for (struct fm_job_attempt *at = serve->attempts; at != NULL; at = at->next) {
        if (at->is_in_hand && at->phase == FM_JOB_IN_HAND &&
            fm_slot_start_in_hand(&serve->slots, at->class)) {
            at->is_in_hand = false;
            at->has_slot = true;
            fm_job_start(at);
        }
    }
}

static bool is_held(void *context, const char *job, const char *lease)
{
    const struct serve *serve = context;
    for (const struct fm_job_attempt *at = serve->attempts; at != NULL; at = at->next) {
        if (at->files.job != NULL && strcmp(at->files.job, job) == 0 &&
            strcmp(at->files.lease, lease) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t sweep_work_dir(struct serve *serve, int64_t now_ms)
{
    if (now_ms >= serve->sweep_at_ms) {
        int64_t interval_ms = (int64_t)serve->options->sweep_age_seconds * 1000 / 4;
        interval_ms = interval_ms > SWEEP_MAX_MS ? SWEEP_MAX_MS : interval_ms;
        fm_sweep_old(serve->options->work_dir, serve->options->sweep_age_seconds, is_held, serve);
        serve->sweep_at_ms = now_ms + (interval_ms < SWEEP_MIN_MS ? SWEEP_MIN_MS : interval_ms);
    }
    return serve->sweep_at_ms;
}

/* Does all that is due and returns when there is something to do again. The link comes last: the
 * steps before it may have sent messages, and sending can consume the edge by which ZeroMQ's
 * descriptor reports incoming ones, so they must be read before the loop waits. */
static int64_t tick(struct serve *serve)
{
    int64_t now_ms = fm_clock_ms();
    int64_t wake_ms = sweep_work_dir(serve, now_ms);
    for (struct fm_job_attempt *at = serve->attempts; at != NULL; at = at->next) {
        wake_ms = fm_clock_earlier(wake_ms, fm_job_tick(at, now_ms));
    }
    remove_over(serve);
    start_in_hand(serve);
    bool is_drained = serve->attempts == NULL || now_ms >= serve->drain_until_ms;
    if (serve->drain_until_ms > 0 && is_drained) {
        begin_stop(serve, FM_DAEMON_STOPPED, "drained");
    }
    wake_ms = fm_clock_earlier(wake_ms,
                               serve->drain_until_ms > 0 ? serve->drain_until_ms : FM_CLOCK_NEVER);
    if (!serve->is_stopping) {
        wake_ms = fm_clock_earlier(wake_ms, fm_spare_tick(serve->host.spares, now_ms));
    }
    serve->has_news = false;
    wake_ms = fm_clock_earlier(wake_ms, fm_link_tick(serve->host.link, now_ms));
    return serve->has_news ? now_ms : wake_ms;
}

/* ---- start and stop ---- */

/* Running jobs may end; no new one comes. tick() stops the worker when all have ended or the time
 * is over. */
static void begin_drain(struct serve *serve)
{
    int64_t now_ms = fm_clock_ms();
    fm_log(FM_LOG_INFO, "draining", "seconds=%lld", (long long)serve->options->drain_ms / 1000);
    serve->drain_until_ms = now_ms + serve->options->drain_ms;
    fm_link_drain(serve->host.link, now_ms);
}

static void handle_signal(void *context)
{
    struct serve *serve = context;
    struct signalfd_siginfo info;
    if (read(serve->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    if (info.ssi_signo == SIGTERM && serve->options->drain_ms > 0 && serve->drain_until_ms == 0) {
        begin_drain(serve);
        return;
    }
    begin_stop(serve, FM_DAEMON_STOPPED, info.ssi_signo == SIGINT ? "sigint" : "sigterm");
}

static bool watch_signals(struct serve *serve, struct fm_error *err)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    serve->on_signal = (struct fm_loop_source){handle_signal, serve};
    serve->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (serve->signal_fd < 0) {
        return fm_fail_errno(err, "signalfd");
    }
    return fm_loop_watch(serve->host.loop, serve->signal_fd, &serve->on_signal, err);
}

static bool open_all(struct serve *serve, struct fm_error *err)
{
    const struct fm_serve_options *options = serve->options;
    struct fm_job_host *host = &serve->host;
    host->loop = fm_loop_new(err);
    if (host->loop == NULL || !watch_signals(serve, err)) {
        return false;
    }
    const struct fm_link_options link = {
        .loop = host->loop,
        .brokers = options->brokers,
        .broker_public_key = options->broker_public_key,
        .key = &options->node->key,
        .boot = options->node->boot,
        .placement = options->placement,
        .net_slots = options->net_slots,
        .cpu_slots = options->cpu_slots,
        .context = serve,
        .list_held = list_held,
        .on_message = on_message,
    };
    host->link = fm_link_new(&link, err);
    host->spares = fm_spare_new(host->loop, options->media_path,
                                options->cpu_slots > 0 ? options->cpu_slots : 1);
    return host->link != NULL;
}

/* Reports to the broker that no lease is held any more, so that it can give the jobs to other
 * workers without waiting for heartbeats to stop. */
static void send_bye(struct serve *serve, uint64_t leases)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_BYE);
    message.bye.leases = leases;
    fm_link_send(serve->host.link, &message);
    fm_message_done(&message);
}

/* Cancels every attempt and reaps the children; the link keeps ticking meanwhile. BYE follows only
 * after that, since it promises that nothing runs here; after a refusal there is nobody to send it
 * to. */
static void wind_down(struct serve *serve)
{
    int64_t until_ms = fm_clock_ms() + STOP_MS;
    uint64_t leases = 0;
    for (struct fm_job_attempt *at = serve->attempts; at != NULL; at = at->next) {
        leases++;
        cancel_attempt(serve, at, "the worker is stopping");
    }
    remove_over(serve);
    while (serve->attempts != NULL && fm_clock_ms() < until_ms) {
        fm_link_tick(serve->host.link, fm_clock_ms());
        fm_loop_next(serve->host.loop, fm_clock_left(until_ms));
        remove_over(serve);
    }
    while (serve->attempts != NULL) {
        struct fm_job_attempt *attempt = serve->attempts;
        serve->attempts = attempt->next;
        fm_job_destroy(&attempt);
    }
    if (serve->exit_code == FM_DAEMON_STOPPED) {
        send_bye(serve, leases);
    }
}

static void close_all(struct serve *serve)
{
    fm_spare_destroy(&serve->host.spares);
    fm_link_destroy(&serve->host.link, BYE_LINGER_MS);
    fm_file_close(&serve->signal_fd);
    fm_loop_destroy(&serve->host.loop);
    fm_message_done(&serve->welcome);
}

enum fm_daemon_exit fm_serve_run(const struct fm_serve_options *options)
{
    struct serve serve = {.options = options, .signal_fd = -1};
    struct fm_error err = {0};
    serve.host.work_dir = options->work_dir;
    serve.host.transfer_path = options->transfer_path;
    serve.host.threads = options->threads;
    fm_message_init(&serve.welcome, FM_MESSAGE_WELCOME);
    fm_slot_init(&serve.slots, options->net_slots, options->cpu_slots);
    serve.slots.reserve_bytes = options->reserve_bytes;
    fm_sweep_outputs(options->work_dir);
    if (!open_all(&serve, &err)) {
        fm_log_failure("start_failed", &err);
        serve.exit_code = err.code == FM_SETTING ? FM_DAEMON_SETTING : FM_DAEMON_FAILED;
        close_all(&serve);
        return serve.exit_code;
    }
    while (!serve.is_stopping) {
        int64_t until_ms = tick(&serve);
        if (!serve.is_stopping) {
            fm_loop_next(serve.host.loop, fm_clock_left(until_ms));
        }
    }
    wind_down(&serve);
    close_all(&serve);
    return serve.exit_code;
}
