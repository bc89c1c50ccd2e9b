/*
 * Follows a job or a batch by polling: see follow.h. A job is asked for with ?wait=N: the service
 * holds its reply until the status changes or N seconds have passed, so that a change shows at once
 * and the number of requests stays small. A batch has no such wait; here we sleep between requests.
 */
#include "cli/follow.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/batch_show.h"
#include "cli/command.h"
#include "cli/show.h"
#include "common/clock.h"
#include "common/memory.h"

/* Half of the trial plan's 120 requests in 60 s (account_plan.def) at first, because many jobs are
 * short; a quarter after FAST_POLLS answers. */
#define FAST_POLLS 10u
#define FAST_SECONDS 1u
#define SLOW_SECONDS 2u
#define WAIT_LIMIT_SECONDS 30u    /* the longest wait between two requests that succeed */
#define PAUSE_LIMIT_SECONDS 3600u /* the longest pause a Retry-After can cause */
#define OUTAGE_MS 60000           /* without an answer for longer: give up */

/* What differs between jobs and batches. */
struct subject {
    const char *path; /* of the request, up to the id */
    bool can_wait;    /* the service knows ?wait=N for it */
    void (*read)(const struct fm_json *json, struct fm_show_job *job);
    const char *notice; /* printed on Ctrl-C, before the id */
};

static const struct subject job_subject = {
    "/v1/jobs/", true, fm_show_read,
    "\nThe job continues. To follow it again: fetchmedia jobs watch "};
static const struct subject batch_subject = {
    "/v1/batches/", false, fm_batch_show_read,
    "\nThe batch continues. To follow it again: fetchmedia batch watch "};

struct follow {
    const struct fm_client *client;
    const struct subject *subject;
    const char *id;
    struct fm_client_answer *answer; /* of the last request; the caller's */
    struct fm_show show;
    struct fm_text status;    /* in the last answer; empty: no answer yet */
    unsigned polls, seconds;  /* answers so far; seconds that the next request may wait */
    int64_t failing_since_ms; /* when the first request failed since the last answer; 0: none did */
    bool is_done;
};

/* ---- Ctrl-C ---- */

/* Printed by the handler, which may not format: made before the handler is installed. */
static char notice[160];

/* A signal handler: async-signal-safe calls only. */
static void exit_with_notice(int number)
{
    (void)number;
    ssize_t put = write(STDERR_FILENO, notice, strlen(notice));
    (void)put;
    _exit(FM_EXIT_INTERRUPTED);
}

static void catch_interrupt(const struct follow *follow, struct sigaction *before)
{
    struct sigaction action = {.sa_handler = exit_with_notice};
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_append(&text, follow->subject->notice);
    fm_text_append(&text, follow->id);
    snprintf(notice, sizeof(notice), "%.150s\n", fm_text_get(&text));
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, before);
}

/* ---- waiting ---- */

static void pause_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (ms > 0 && nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* Seconds until the next request: our own interval, or the service's Retry-After if longer. */
static unsigned poll_seconds(const struct follow *follow)
{
    unsigned own = follow->polls < FAST_POLLS ? FAST_SECONDS : SLOW_SECONDS;
    unsigned asked = follow->answer->retry_after_seconds;
    unsigned seconds = asked > own ? asked : own;
    return seconds < WAIT_LIMIT_SECONDS ? seconds : WAIT_LIMIT_SECONDS;
}

/* Pauses after a request that failed for a passing reason: busy, restarting or unreachable. False
 * when it is time to give up: at once if the service has never answered, as the address is then
 * likely wrong, else after OUTAGE_MS. A 429 is waited out without that limit. */
static bool wait_out(struct follow *follow, struct fm_error *err)
{
    unsigned seconds = follow->answer->retry_after_seconds;
    int64_t now_ms = fm_clock_ms();
    bool is_busy = follow->answer->status == 429;
    if (follow->failing_since_ms == 0) {
        follow->failing_since_ms = now_ms;
    }
    if (!is_busy && (follow->status.length == 0 || now_ms - follow->failing_since_ms > OUTAGE_MS)) {
        return false;
    }
    seconds = seconds > SLOW_SECONDS ? seconds : SLOW_SECONDS;
    pause_ms((seconds < PAUSE_LIMIT_SECONDS ? seconds : PAUSE_LIMIT_SECONDS) * INT64_C(1000));
    *err = (struct fm_error){0};
    return true;
}

/* ---- polling ---- */

/* Updates the state from an answer and shows it. When the reply came without a change before its
 * time, as from a service that does not hold replies, we sleep for the rest, so that we never poll
 * in a tight loop. */
static void accept_answer(struct follow *follow, int64_t asked_at_ms)
{
    struct fm_show_job job;
    follow->subject->read(follow->answer->json, &job);
    bool has_changed = strcmp(job.status, fm_text_get(&follow->status)) != 0;
    fm_text_clear(&follow->status);
    fm_text_append(&follow->status, job.status[0] != '\0' ? job.status : "?");
    follow->failing_since_ms = 0;
    follow->is_done = job.is_done;
    fm_show_progress(&follow->show, &job);
    int64_t until_ms = asked_at_ms + follow->seconds * INT64_C(1000);
    if (!has_changed && !job.is_done) {
        pause_ms(until_ms - fm_clock_ms());
    }
    follow->seconds = poll_seconds(follow);
    follow->polls++;
}

static bool poll_once(struct follow *follow, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    int64_t now_ms = fm_clock_ms();
    fm_text_format(&path, "%s%s", follow->subject->path, follow->id);
    if (follow->subject->can_wait) {
        fm_text_format(&path, "?wait=%u", follow->seconds);
    }
    fm_client_answer_done(follow->answer);
    bool has_answer =
        fm_client_call(follow->client, "GET", fm_text_get(&path), NULL, follow->answer, err);
    long status = follow->answer->status;
    if (has_answer && fm_client_check(follow->answer, err)) {
        accept_answer(follow, now_ms);
        return true;
    }
    bool is_passing = !has_answer || status >= 500 || status == 429;
    return is_passing && wait_out(follow, err);
}

static bool follow_until_done(struct follow *follow, struct fm_error *err)
{
    struct sigaction before;
    bool is_good = true;
    *follow->answer = (struct fm_client_answer){0};
    fm_show_open(&follow->show);
    catch_interrupt(follow, &before);
    while (is_good && !follow->is_done) {
        is_good = poll_once(follow, err);
    }
    fm_show_end(&follow->show);
    if (!is_good && err->code == FM_UNAVAILABLE) {
        fputs(notice + 1, stderr);
    }
    sigaction(SIGINT, &before, NULL);
    fm_text_done(&follow->status);
    return is_good;
}

bool fm_follow_run(const struct fm_client *client, const char *job, struct fm_client_answer *answer,
                   struct fm_error *err)
{
    struct follow follow = {.client = client, .subject = &job_subject, .id = job, .answer = answer};
    return follow_until_done(&follow, err);
}

bool fm_follow_batch(const struct fm_client *client, const char *batch,
                     struct fm_client_answer *answer, struct fm_error *err)
{
    struct follow follow = {
        .client = client, .subject = &batch_subject, .id = batch, .answer = answer};
    return follow_until_done(&follow, err);
}
