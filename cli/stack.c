/*
 * Starts, watches and ends the members of a stack: see stack.h. There are no threads and no pipes
 * to the members: readiness is queried over HTTP, an end arrives as SIGCHLD, and each member's
 * settings are its environment. Invariant: members[0..count) stand in the order of their start,
 * PostgreSQL (if any) and broker before the workers, so that ending them from the back ends users
 * before what they use.
 */
#include "cli/stack.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cluster.h"
#include "cli/enrol.h"
#include "cli/port.h"
#include "cli/running.h"
#include "cli/spawn.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/url.h"

#define READY_PATIENCE_MS 60000
#define POLL_MS 30
#define FIRST_BACKOFF_MS 200
#define LONGEST_BACKOFF_MS 5000
#define STEADY_MS 1000         /* a member that lived longer starts its backoff anew */
#define STOP_PATIENCE_MS 20000 /* then SIGKILL */
#define HURRY_MS                                                                                   \
    2000 /* then a second SIGTERM: a broker ends its drain, a worker gives its jobs back */
#define MEMBERS (FM_STACK_WORKERS + 2)
#define VARIABLES 24 /* variables of the broker, the terminating NULL included */

enum kind { POSTGRES, BROKER, WORKER };
static const char *const member_names[] = {"postgres", "broker", "worker"};

struct member {
    enum kind kind;
    unsigned number;                /* of a worker, from 1; else 0 */
    char *broker_key;               /* the broker's public key, for a worker; owned */
    pid_t pid;                      /* 0: not running */
    int64_t started_ms, restart_ms; /* last start; earliest next start */
    int64_t backoff_ms;
    bool is_retired; /* its exit code means that another start would fail too */
};

struct fm_stack {
    const struct fm_stack_options *options;
    const struct fm_state_dir *state_dir;
    const struct fm_state_dir_ports *ports;
    bool has_cluster;
    char *base_url;
    char *operator_url;                  /* without a path; only our own broker answers there */
    char *broker_environment[VARIABLES]; /* the broker's environment; NULL-terminated */
    struct fm_enrol enrol;
    struct member members[MEMBERS];
    size_t count;
};

/* ---- the members' settings ---- */

/* Adds NAME=VALUE to the broker's environment; nothing is added once VARIABLES is reached. */
static void set_variable(struct fm_stack *stack, const char *name, const char *value)
{
    FM_AUTO(fm_text_done) struct fm_text variable = {0};
    size_t count = 0;
    while (stack->broker_environment[count]) {
        count++;
    }
    if (count + 1 >= VARIABLES) {
        return;
    }
    fm_text_format(&variable, "%s=%s", name, value);
    stack->broker_environment[count] = fm_text_take(&variable);
}

static void set_path_variable(struct fm_stack *stack, const char *name, const char *below)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(stack->state_dir, below);
    set_variable(stack, name, path);
}

/* Passes on the FETCHMEDIA_ variables of our own environment, so that the operator can set any of
 * the broker's settings. Left out: what make_broker_environment() has decided from them, and a
 * client's address and key. Where a name is set twice, the first one counts: getenv(3) stops there.
 */
static void pass_on_environment(struct fm_stack *stack)
{
    static const char *const left_out[] = {"FETCHMEDIA_DATABASE_URL=", "FETCHMEDIA_URL=",
                                           "FETCHMEDIA_API_KEY", "FETCHMEDIA_METRICS_LISTEN="};
    for (char **entry = environ; *entry; entry++) {
        bool skip = !fm_text_starts(*entry, "FETCHMEDIA_");
        for (size_t i = 0; i < FM_COUNT(left_out); i++) {
            skip = skip || fm_text_starts(*entry, left_out[i]);
        }
        char *equals = strchr(*entry, '=');
        if (skip || !equals) {
            continue;
        }
        FM_AUTO_FREE char *name = fm_strndup(*entry, (size_t)(equals - *entry));
        set_variable(stack, name, equals + 1);
    }
}

/* Where the broker serves readiness and metrics: the operator's choice, else the kept port. */
static const char *operator_listen(const struct fm_state_dir_ports *ports)
{
    const char *given = getenv("FETCHMEDIA_METRICS_LISTEN");
    return given && *given ? given : ports->metrics;
}

static void make_broker_environment(struct fm_stack *stack, const char *database_url)
{
    FM_AUTO_FREE char *own = database_url ? NULL : fm_cluster_url(stack->state_dir);
    set_variable(stack, "FETCHMEDIA_DATABASE_URL", database_url ? database_url : own);
    set_path_variable(stack, "FETCHMEDIA_SECRETS_DIR", "secrets");
    set_path_variable(stack, "FETCHMEDIA_STORE_DIR", "store");
    set_path_variable(stack, "FETCHMEDIA_ALLOW_FILE", "allow");
    set_variable(stack, "FETCHMEDIA_LISTEN", stack->ports->listen);
    set_variable(stack, "FETCHMEDIA_LINK_LISTEN", stack->ports->link);
    set_variable(stack, "FETCHMEDIA_METRICS_LISTEN", operator_listen(stack->ports));
    if (stack->options->allow_private) {
        set_variable(stack, "FETCHMEDIA_ALLOW_PRIVATE", stack->options->allow_private);
    }
    pass_on_environment(stack);
}

struct fm_stack *fm_stack_new(const struct fm_stack_options *options,
                              const struct fm_state_dir *state_dir,
                              const struct fm_state_dir_ports *ports, const char *database_url)
{
    struct fm_stack *stack = fm_alloc(sizeof *stack);
    stack->options = options;
    stack->state_dir = state_dir;
    stack->ports = ports;
    stack->has_cluster = !database_url;
    stack->base_url = fm_url_of_listener(ports->listen);
    stack->operator_url = fm_url_of_listener(operator_listen(ports));
    make_broker_environment(stack, database_url);
    stack->enrol.state_dir = state_dir;
    stack->enrol.environment = (const char *const *)stack->broker_environment;
    return stack;
}

/* ---- starting a member ---- */

/* SIGTERM on our death: the broker may end its requests in order. */
static bool start_broker(struct fm_stack *stack, struct member *member, struct fm_error *err)
{
    FM_AUTO_FREE char *program = fm_state_dir_path(stack->state_dir, "bin/fetchmedia-broker");
    FM_AUTO_FREE char *log = fm_state_dir_path(stack->state_dir, "log/broker.log");
    const char *const argv[] = {program, NULL};
    struct fm_spawn process = {.argv = argv,
                               .environment = stack->enrol.environment,
                               .user = &stack->state_dir->broker,
                               .log_path = log,
                               .death_signal = SIGTERM,
                               .output = -1};
    return fm_spawn_start(&process, &member->pid, err);
}

static void format_variable(struct fm_text *variable, const char *name, uint64_t number)
{
    fm_text_format(variable, "%s=%llu", name, (unsigned long long)number);
}

/* A worker gets its own variables and only three of the broker's: never the database's address. */
static bool start_worker(struct fm_stack *stack, struct member *member, struct fm_error *err)
{
    FM_AUTO(fm_text_done)
    struct fm_text dir = {0}, log = {0}, brokers = {0}, key = {0}, cpu = {0}, net = {0};
    FM_AUTO_FREE char *program = fm_state_dir_path(stack->state_dir, "bin/fetchmedia-worker");
    fm_text_format(&dir, "FETCHMEDIA_WORK_DIR=%s/work/%u", stack->state_dir->path, member->number);
    fm_text_format(&log, "%s/log/worker-%u.log", stack->state_dir->path, member->number);
    fm_text_format(&brokers, "FETCHMEDIA_BROKERS=%s", stack->ports->link);
    fm_text_format(&key, "FETCHMEDIA_BROKER_PUBLIC_KEY=%s", member->broker_key);
    const char *environment[8 + VARIABLES] = {fm_text_get(&dir), fm_text_get(&brokers),
                                              fm_text_get(&key)};
    size_t count = 3;
    if (stack->options->cpu_slots) {
        format_variable(&cpu, "FETCHMEDIA_CPU_SLOTS", stack->options->cpu_slots);
        environment[count++] = fm_text_get(&cpu);
    }
    if (stack->options->net_slots) {
        format_variable(&net, "FETCHMEDIA_NET_SLOTS", stack->options->net_slots);
        environment[count++] = fm_text_get(&net);
    }
    for (size_t i = 0; stack->broker_environment[i]; i++) {
        if (fm_text_starts(stack->broker_environment[i], "FETCHMEDIA_SWEEP_AGE_SECONDS=") ||
            fm_text_starts(stack->broker_environment[i], "FETCHMEDIA_DRAIN_SECONDS=") ||
            fm_text_starts(stack->broker_environment[i], "FETCHMEDIA_LOG_LEVEL=")) {
            environment[count++] = stack->broker_environment[i];
        }
    }
    const char *const argv[] = {program, NULL};
    struct fm_spawn process = {.argv = argv,
                               .environment = environment,
                               .user = &stack->state_dir->work,
                               .log_path = fm_text_get(&log),
                               .death_signal = SIGKILL,
                               .output = -1};
    return fm_spawn_start(&process, &member->pid, err);
}

/* Starts or restarts a member; returns before it is ready. */
static bool start_member(struct fm_stack *stack, struct member *member, struct fm_error *err)
{
    member->started_ms = fm_clock_ms();
    switch (member->kind) {
    case POSTGRES:
        return fm_cluster_start(stack->state_dir, &member->pid, err);
    case BROKER:
        return start_broker(stack, member, err);
    case WORKER:
        return start_worker(stack, member, err);
    }
    return false;
}

static struct member *add_member(struct fm_stack *stack, enum kind kind, unsigned number)
{
    struct member *member = &stack->members[stack->count++];
    *member = (struct member){.kind = kind, .number = number};
    return member;
}

/* ---- starting the stack ---- */

static bool start_cluster(struct fm_stack *stack, struct fm_error *err)
{
    if (!stack->has_cluster) {
        return true;
    }
    struct member *member = add_member(stack, POSTGRES, 0);
    return fm_cluster_make(stack->state_dir, err) && start_member(stack, member, err) &&
           fm_cluster_ready(stack->state_dir, member->pid, err);
}

/* The allow-list of private networks: we (the operator's user) write it, the broker's group reads
 * it. An existing file keeps its content. */
static bool make_allow_file(struct fm_stack *stack, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(stack->state_dir, "allow");
    if (access(path, F_OK) != 0 && !fm_file_write(path, 0640, fm_slice_of(""), err)) {
        return false;
    }
    return chown(path, geteuid(), stack->state_dir->broker.gid) == 0 || fm_fail_errno(err, "allow");
}

/* A member that ends during the start will not become ready, so the start fails at once. WNOWAIT:
 * the process stays to be reaped by end_member(). */
static bool has_died(const struct member *member)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)member->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == member->pid;
}

static const struct member *find_dead(const struct fm_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        if (has_died(&stack->members[i])) {
            return &stack->members[i];
        }
    }
    return NULL;
}

static bool fail_start(const struct fm_stack *stack, const struct member *dead,
                       struct fm_error *err)
{
    char number[16] = "";
    if (dead->kind == WORKER) {
        snprintf(number, sizeof number, "-%u", dead->number);
    }
    return fm_fail(err, FM_SYSTEM, "%s ended while starting: see %s/log/%s%s.log",
                   member_names[dead->kind], stack->state_dir->path, member_names[dead->kind],
                   number);
}

/* Waits until the broker reports that it is ready and at least `workers` workers are attached. */
static bool wait_ready(struct fm_stack *stack, unsigned workers, struct fm_error *err)
{
    int64_t until_ms = fm_clock_ms() + READY_PATIENCE_MS;
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    for (;;) {
        FM_AUTO(fm_text_done) struct fm_text body = {0};
        const struct member *dead = find_dead(stack);
        unsigned attached = 0;
        if (dead) {
            return fail_start(stack, dead, err);
        }
        if (fm_running_is_ready(stack->operator_url, &attached, &body) && attached >= workers) {
            return true;
        }
        if (fm_clock_ms() > until_ms) {
            return fm_fail(err, FM_SYSTEM,
                           "the stack is not ready, %u of %u workers are attached: see %s/log",
                           attached, workers, stack->state_dir->path);
        }
        nanosleep(&pause, NULL);
    }
}

/* Checks the ports before anything is started: a broker that finds one taken only ends, with the
 * reason in its log, where the user would have to look for it. */
static bool check_ports(const struct fm_stack *stack, struct fm_error *err)
{
    struct fm_error why = {0};
    if (!fm_port_try(stack->ports->listen, &why)) {
        return fm_fail(err, FM_SYSTEM,
                       "%s: stop the program that listens there, or choose another --listen",
                       why.detail);
    }
    if (fm_port_try(stack->ports->link, &why) && fm_port_try(operator_listen(stack->ports), &why)) {
        return true;
    }
    return fm_fail(
        err, FM_SYSTEM,
        "%s: stop the program that listens there, or remove %s/ports to have other ports chosen",
        why.detail, stack->state_dir->path);
}

/* Starts the workers whose nodes are not revoked, and counts them. */
static bool start_workers(struct fm_stack *stack, unsigned *started, struct fm_error *err)
{
    for (unsigned i = 1; i <= stack->options->workers; i++) {
        char *broker_key = NULL;
        if (!fm_enrol_worker(&stack->enrol, i, &broker_key, err)) {
            return false;
        }
        if (!broker_key) {
            continue; /* revoked */
        }
        struct member *worker = add_member(stack, WORKER, i);
        worker->broker_key = broker_key;
        if (!start_member(stack, worker, err)) {
            return false;
        }
        ++*started;
    }
    return *started > 0 || fm_fail(err, FM_SYSTEM,
                                   "all workers of this stack are revoked: a larger --workers "
                                   "creates new ones");
}

static bool start_services(struct fm_stack *stack, struct fm_error *err)
{
    unsigned workers = 0;
    struct member *broker = add_member(stack, BROKER, 0);
    return start_member(stack, broker, err) && start_workers(stack, &workers, err) &&
           wait_ready(stack, workers, err);
}

bool fm_stack_start(struct fm_stack *stack, struct fm_error *err)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* see reap_ended() */
    return check_ports(stack, err) && start_cluster(stack, err) && make_allow_file(stack, err) &&
           fm_enrol_account(&stack->enrol, err) && start_services(stack, err);
}

/* ---- watching ---- */

static void print_end(const struct member *member, int status)
{
    fprintf(stderr, "fetchmedia: %s %u ended (%s %d); ", member_names[member->kind], member->number,
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (member->is_retired) {
        fprintf(stderr, "it will not be restarted\n");
    } else {
        fprintf(stderr, "restarting in %lld ms\n", (long long)member->backoff_ms);
    }
}

static void record_end(struct member *member, int status)
{
    int64_t now = fm_clock_ms();
    bool was_steady = now - member->started_ms > STEADY_MS;
    member->backoff_ms =
        was_steady || !member->backoff_ms ? FIRST_BACKOFF_MS : member->backoff_ms * 2;
    if (member->backoff_ms > LONGEST_BACKOFF_MS) {
        member->backoff_ms = LONGEST_BACKOFF_MS;
    }
    member->pid = 0;
    member->restart_ms = now + member->backoff_ms;
    /* From FM_DAEMON_SETTING on, the same start would end the same way (common/daemon.h). */
    member->is_retired =
        member->kind == WORKER && WIFEXITED(status) && WEXITSTATUS(status) >= FM_DAEMON_SETTING;
    print_end(member, status);
}

/* Reaps whatever has ended. As a subreaper (prctl(2)) we also become the parent of the children
 * that a killed worker leaves behind; they are reaped here too and belong to no member. */
static void reap_ended(struct fm_stack *stack)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < stack->count; i++) {
            if (stack->members[i].pid == pid) {
                record_end(&stack->members[i], status);
            }
        }
    }
}

/* Starts members whose backoff is over. */
static void restart_due(struct fm_stack *stack)
{
    struct fm_error err = {0};
    for (size_t i = 0; i < stack->count; i++) {
        struct member *member = &stack->members[i];
        if (member->pid || member->is_retired || fm_clock_ms() < member->restart_ms) {
            continue;
        }
        if (!start_member(stack, member, &err)) {
            member->restart_ms = fm_clock_ms() + LONGEST_BACKOFF_MS;
        }
    }
}

void fm_stack_publish(const struct fm_stack *stack)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(stack->state_dir, "up.json");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_error err = {0};
    fm_stack_describe(stack, true, &text);
    fm_text_append_char(&text, '\n');
    if (!fm_file_write(path, 0644, (struct fm_slice){text.data, text.length}, &err)) {
        fprintf(stderr, "fetchmedia: %s\n", err.detail);
    }
}

/* Sleeps until a signal while all members run or are retired; while one is waiting for its restart,
 * wakes up every FIRST_BACKOFF_MS. up.json is rewritten each time, because process ids change. */
void fm_stack_watch(struct fm_stack *stack)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    for (;;) {
        fm_stack_publish(stack);
        struct timespec patience = {.tv_nsec = FIRST_BACKOFF_MS * 1000000L};
        bool is_complete = true;
        for (size_t i = 0; i < stack->count; i++) {
            is_complete = is_complete && (stack->members[i].pid || stack->members[i].is_retired);
        }
        int got =
            is_complete ? sigwaitinfo(&signals, NULL) : sigtimedwait(&signals, NULL, &patience);
        if (got == SIGTERM || got == SIGINT) {
            return;
        }
        reap_ended(stack);
        restart_due(stack);
    }
}

/* ---- ending ---- */

/* SIGINT is PostgreSQL's fast shutdown, which does not wait for clients to disconnect; SIGTERM lets
 * broker and worker drain. Polls rather than blocking, to be able to insist. */
static void end_member(struct member *member)
{
    if (!member->pid) {
        return;
    }
    kill(member->pid, member->kind == POSTGRES ? SIGINT : SIGTERM);
    int64_t began_ms = fm_clock_ms();
    bool is_hurried = false;
    struct timespec pause = {.tv_nsec = 10 * 1000000L};
    while (waitpid(member->pid, NULL, WNOHANG) == 0) {
        int64_t waited_ms = fm_clock_ms() - began_ms;
        if (member->kind != POSTGRES && !is_hurried && waited_ms > HURRY_MS) {
            is_hurried = kill(member->pid, SIGTERM) == 0;
        }
        if (waited_ms > STOP_PATIENCE_MS) {
            kill(member->pid, SIGKILL);
        }
        nanosleep(&pause, NULL);
    }
    member->pid = 0;
}

void fm_stack_destroy(struct fm_stack **stack)
{
    if (!*stack) {
        return;
    }
    struct fm_stack *ended = fm_steal(*stack);
    for (size_t i = ended->count; i > 0; i--) {
        end_member(&ended->members[i - 1]);
        fm_memory_release(&ended->members[i - 1].broker_key);
    }
    fm_enrol_done(&ended->enrol);
    for (size_t i = 0; i < VARIABLES; i++) {
        fm_memory_release(&ended->broker_environment[i]);
    }
    fm_memory_release(&ended->base_url);
    fm_memory_release(&ended->operator_url);
    fm_memory_release(&ended);
}

/* ---- describing ---- */

/* The process id of the first member of a kind; 0: it is not running. */
static pid_t pid_of(const struct fm_stack *stack, enum kind kind)
{
    for (size_t i = 0; i < stack->count; i++) {
        if (stack->members[i].kind == kind) {
            return stack->members[i].pid;
        }
    }
    return 0;
}

static void describe_pids(const struct fm_stack *stack, struct fm_json_writer *json)
{
    fm_json_open(json, "pids", '{');
    fm_json_put_integer(json, "supervisor", getpid());
    if (stack->has_cluster) {
        fm_json_put_integer(json, "postgres", pid_of(stack, POSTGRES));
    } else {
        fm_json_put_null(json, "postgres");
    }
    fm_json_put_integer(json, "broker", pid_of(stack, BROKER));
    fm_json_open(json, "workers", '[');
    for (size_t i = 0; i < stack->count; i++) {
        if (stack->members[i].kind == WORKER) {
            fm_json_put_integer(json, NULL, stack->members[i].pid);
        }
    }
    fm_json_close(json, ']');
    fm_json_close(json, '}');
}

void fm_stack_describe(const struct fm_stack *stack, bool is_public, struct fm_text *out)
{
    struct fm_json_writer json = {.out = out};
    fm_json_open(&json, NULL, '{');
    fm_json_put_text(&json, "base_url", stack->base_url);
    fm_json_put_text(&json, "api_key", is_public ? NULL : stack->enrol.key);
    fm_json_put_text(&json, "account", stack->enrol.account);
    fm_json_put_text(&json, "password", is_public ? NULL : stack->enrol.password);
    fm_json_put_text(&json, "state_dir", stack->state_dir->path);
    FM_AUTO(fm_text_done) struct fm_text metrics = {0};
    fm_text_format(&metrics, "%s/metrics", stack->operator_url);
    fm_json_put_text(&json, "metrics_url", fm_text_get(&metrics));
    describe_pids(stack, &json);
    fm_json_close(&json, '}');
}

const char *fm_stack_key(const struct fm_stack *stack)
{
    return stack->enrol.key;
}

const char *fm_stack_password(const struct fm_stack *stack)
{
    return stack->enrol.password;
}

const char *fm_stack_base(const struct fm_stack *stack)
{
    return stack->base_url;
}
