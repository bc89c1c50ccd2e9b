/*
 * One child process: exec, its channel, its pidfd, its end. A child is never asked to stop: it
 * holds nothing that needs a goodbye. It dies with the worker (PDEATHSIG), and has a process group
 * of its own that a SIGKILL ends as a whole. Owns: the process until it is reaped, the channel, the
 * pidfd. Threads: the main thread alone, for PDEATHSIG is tied to the thread that forks.
 */
#ifndef FM_WORKER_CHILD_H
#define FM_WORKER_CHILD_H

#include <sys/types.h>
#include <sys/wait.h>

#include "proto/channel.h"
#include "worker/child_rules.h"
#include "worker/loop.h"

/* How a child's life ended, whatever it was doing. */
enum fm_child_fate {
    FM_CHILD_SAID,    /* exit after END: what END said */
    FM_CHILD_CRASHED, /* exit without END, a signal of its own making, or a message out of turn */
    FM_CHILD_SANDBOX, /* SIGSYS */
    FM_CHILD_CPU,     /* SIGXCPU */
    FM_CHILD_KILLED,  /* SIGKILL by us: the reason is the one who killed's */
    FM_CHILD_LOST,    /* SIGKILL by another */
};

/* What is known of a child when it is judged. */
struct fm_child_past {
    bool is_killed; /* by us */
    bool is_broken; /* it broke its turn or its channel */
    bool has_end;
    bool is_end_ok;
};

enum fm_child_fate fm_child_judge(const siginfo_t *info, const struct fm_child_past *past);
/* "said", "crashed", …; static. */
const char *fm_child_fate_name(enum fm_child_fate fate);

struct fm_child;

/* Who hears of the child. on_message: what came in its turn, READY too, but not END, which waits in
 * `end`; as many descriptors as the table says, and one may be taken over by setting it -1.
 * on_gone: reaped; the function destroys the child. */
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
    char detail[128]; /* what was wrong, for the log */
    pid_t pid;
    int pidfd;
    struct fm_channel *channel; /* NULL once the child closed it */
    struct fm_message end;      /* with past.has_end */
    int64_t end_by_ms;          /* when it must be gone after END; FM_CLOCK_NEVER */
    struct fm_child_owner owner;
    struct fm_loop *loop;
    struct fm_loop_source on_channel, on_pidfd;
};

/* Starts arguments[0] with descriptor 3 the channel, 0 and 1 /dev/null, 2 ours, and nothing else:
 * no other descriptor, no environment but PATH, LANG and the log level. SYSTEM. */
bool fm_child_exec(char *const *arguments, int channel_fd, pid_t *pid, int *pidfd,
                   struct fm_error *err) FM_MUST_CHECK;
/* The same as a watched child in state STARTED. NULL with err set on failure. */
struct fm_child *fm_child_new(struct fm_loop *loop, const char *path, enum fm_child_role role,
                              const struct fm_child_owner *owner,
                              struct fm_error *err) FM_MUST_CHECK;
/* Null-safe. One that still lives is killed and waited for. */
void fm_child_destroy(struct fm_child **child);
/* SIGKILL to its group; on_gone follows. Twice is once. */
void fm_child_kill(struct fm_child *child);
/* It did what it may not: killed, and judged as crashed. */
void fm_child_break(struct fm_child *child, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Ends one that does not leave after END; answers when to be called again. */
int64_t fm_child_tick(struct fm_child *child, int64_t now_ms);
/* Never waits: a channel without room breaks the child, and false comes back; on_gone follows. */
bool fm_child_send(struct fm_child *child, const struct fm_message *message, const int *fds,
                   size_t fd_count);
/* Processor seconds from now to SIGXCPU. */
bool fm_child_limit_cpu(struct fm_child *child, uint64_t seconds,
                        struct fm_error *err) FM_MUST_CHECK;

#endif
