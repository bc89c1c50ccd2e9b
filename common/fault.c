/* The rules of crash points, and the actions they take. Threads: any; the counters are atomic. */
#include "common/fault.h"

#ifdef FM_FAULTS

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RULES 64 /* of 64 bytes each: one page */
#define EXIT_CODE 1

struct rule {
    char point[32];          /* "": no rule */
    char action[8];          /* kill, stop, exit */
    uint32_t every;          /* the rule acts at each every-th pass … */
    _Atomic uint32_t left;   /* … and this many times in all */
    _Atomic uint32_t passed; /* passes so far, of all processes that share the rule */
    uint32_t unused[3];
};
_Static_assert(sizeof(struct rule) == 64, "tests/long/faults.py writes it");

static struct rule ours[RULES];    /* of FM_FAULT */
static struct rule *shared = NULL; /* of the file; never unmapped */

/* Uses raise(), which is tgkill of the own thread: a sealed child may call that, but not kill(). */
static void perform_action(const char *action)
{
    if (strcmp(action, "exit") == 0) {
        _exit(EXIT_CODE);
    }
    (void)raise(strcmp(action, "stop") == 0 ? SIGSTOP : SIGKILL);
}

/* Uses up one of the remaining actions; false when none is left. A compare-and-swap, because two
 * processes may pass at the same time. */
static bool use_up_one(struct rule *rule)
{
    uint32_t left = atomic_load(&rule->left);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&rule->left, &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static void pass_point(struct rule *rules, const char *point)
{
    for (size_t i = 0; rules != NULL && i < RULES; i++) {
        struct rule *rule = &rules[i];
        if (strncmp(rule->point, point, sizeof(rule->point)) == 0 && rule->every > 0 &&
            (atomic_fetch_add(&rule->passed, 1) + 1) % rule->every == 0 && use_up_one(rule)) {
            perform_action(rule->action);
        }
    }
}

void fm_fault(const char *point)
{
    pass_point(ours, point);
    pass_point(shared, point);
}

/* Runs before main, because a sealed child can open no file later. */
__attribute__((constructor)) static void map_shared(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof("fault"));
    char *name = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (name == NULL) {
        return;
    }
    memcpy(name + 1, "fault", sizeof("fault"));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *page =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(ours), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    shared = page == MAP_FAILED ? NULL : page;
    if (fd >= 0) {
        close(fd);
    }
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *at = getenv("FM_FAULT");
    for (size_t i = 0; at != NULL && i < RULES; i++) {
        struct rule *rule = &ours[i];
        int fields = sscanf(at, "%31[^:,]:%7[^:,]:%u", rule->point, rule->action, &rule->every);
        rule->every = fields == 2 ? 1 : rule->every;
        rule->left = fields >= 2 ? 1 : 0;
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
}

#endif
