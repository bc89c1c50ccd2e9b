/*
 * Runs one child process (transfer or media): starts it, reads and writes its channel, and judges
 * how it ended. This file alone forks in the worker; it also kills and reaps, except for the
 * children of the trial (trial.c). An attempt (job.c) or the spares (spare.c) own a child and learn
 * of it through the callbacks of fm_child_owner.
 * A child is never asked to stop, because it holds nothing that needs a clean exit: it is killed.
 * It dies with the worker (PDEATHSIG) and leads a process group of its own, so that one SIGKILL
 * also ends whatever it started.
 * Owns: the process until it is reaped, the channel, the pidfd.
 * Threads: the main thread only, because PDEATHSIG fires when the thread that forked ends.
 */
#ifndef FM_WORKER_CHILD_H
#define FM_WORKER_CHILD_H

#include <sys/types.h>
#include <sys/wait.h>

#include "proto/channel.h"
#include "worker/child_rules.h"
#include "worker/loop.h"

/* How a child ended. FM_CHILD_FINISHED is the only fate that lets its END count. */
enum fm_child_fate {
    FM_CHILD_FINISHED, /* it sent END, and ended as END promised: END holds the result */
    FM_CHILD_CRASHED,  /* exit without END, a message out of turn, or a signal not listed here */
    FM_CHILD_SANDBOX,  /* SIGSYS: it made a call that the seal forbids */
    FM_CHILD_CPU,      /* SIGXCPU: its processor time is used up */
    FM_CHILD_KILLED,   /* the worker killed it, and knows why */
    FM_CHILD_LOST,     /* SIGKILL from elsewhere: the OOM killer, an operator */
};

/* What the worker knows of a child besides its exit status when it judges the child. */
struct fm_child_past {
    bool is_killed; /* by the worker */
    bool is_broken; /* it sent a message out of turn, or its channel failed */
    bool has_end;
    bool is_end_ok;
};

/* Pure. `info` is what waitid() returned. */
enum fm_child_fate fm_child_judge(const siginfo_t *info, const struct fm_child_past *past);
/* "finished", "crashed", … for the log; a static string. */
const char *fm_child_fate_name(enum fm_child_fate fate);

struct fm_child;

/* The child's owner, as callbacks.
 * on_message: every message that child_rules.h allows, READY included; END is not passed on but
 * waits in `end` until the child is reaped. `fds` holds as many descriptors as that table says; the
 * function takes one over by setting its entry to -1, the others are closed afterwards.
 * on_gone: the child is reaped; the function must destroy it. Not called by fm_child_destroy. */
struct fm_child_owner {
    void *context;
    void (*on_message)(void *context, struct fm_child *child, const struct fm_message *message,
                       int *fds);
    void (*on_gone)(void *context, struct fm_child *child, enum fm_child_fate fate);
};

struct fm_child {
    enum fm_child_role role;
    enum fm_child_state state;
    struct fm_child_past past;
    char detail[128]; /* why it ended badly, for the log; otherwise empty */
    pid_t pid;
    int pidfd;
    struct fm_channel *channel; /* NULL once the child has closed it */
    struct fm_message end;      /* valid if past.has_end */
    int64_t end_by_ms; /* must have exited by then, after END or a closed channel; or NEVER */
    struct fm_child_owner owner;
    struct fm_loop *loop;
    struct fm_loop_source on_channel, on_pidfd;
};

/* Starts the program arguments[0] (a path). Its descriptors: 0 and 1 are /dev/null, 2 is the
 * worker's stderr, 3 is `channel_fd` (which stays the caller's), and there are no others. Its
 * environment: PATH, LANG and the log level. The caller reaps the process and closes `pidfd`.
 * SYSTEM; a program that cannot be executed is not an error here: the child exits with 127. */
bool fm_child_exec(char *const *arguments, int channel_fd, pid_t *pid, int *pidfd,
                   struct fm_error *err) FM_MUST_CHECK;
/* Starts the program `path` and watches its channel and its pidfd in `loop`; its state is STARTED.
 * `owner` is copied. NULL with err set on failure. */
struct fm_child *fm_child_new(struct fm_loop *loop, const char *path, enum fm_child_role role,
                              const struct fm_child_owner *owner,
                              struct fm_error *err) FM_MUST_CHECK;
/* Null-safe. Kills a child that still runs and waits until it is reaped. */
void fm_child_destroy(struct fm_child **child);
/* Sends SIGKILL to its group; on_gone follows from the loop. A second call does nothing. */
void fm_child_kill(struct fm_child *child);
/* The child did what it may not: kills it, and its fate will be CRASHED. The text, for the log, is
 * kept in `detail`. Does nothing if the child has been killed already. */
void fm_child_break(struct fm_child *child, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Kills a child that has not exited in time after END or a closed channel. Returns when to call it
 * again (milliseconds of fm_clock_ms). */
int64_t fm_child_tick(struct fm_child *child, int64_t now_ms);
/* Never waits: a channel without room breaks the child, and on_gone follows. False: not sent. The
 * descriptors stay the caller's. */
bool fm_child_send(struct fm_child *child, const struct fm_message *message, const int *fds,
                   size_t fd_count);
/* Sets RLIMIT_CPU: SIGXCPU comes after `seconds` of processor time, counted over the child's
 * life and all its threads; SIGKILL a few seconds later. */
bool fm_child_limit_cpu(struct fm_child *child, uint64_t seconds,
                        struct fm_error *err) FM_MUST_CHECK;

#endif
