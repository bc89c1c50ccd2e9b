/*
 * The layers of the seal. Each would stop most of what a hostile file could start by itself.
 * seccomp is the layer that must hold: without it the seal fails, while namespaces and Landlock are
 * used as far as the kernel permits.
 */
#include "worker/media/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/memory.h"
#include "proto/channel.h"

/* The channel may bring 20 descriptors at once (proto/channel.h). */
#define DESCRIPTORS 64
/* The largest output. */
#define FILE_BYTES (64ULL << 30)

/* The kernel kills this process when the worker dies. A worker that died before this call has
 * closed the channel, which a child without work notices; a death between getppid and prctl is
 * noticed here. */
static bool follow_parent(struct fm_error *err)
{
    pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        return fm_fail_errno(err, "PR_SET_PDEATHSIG");
    }
    if (getppid() != parent) {
        _exit(EXIT_FAILURE);
    }
    return true;
}

static bool forbid_privileges(struct fm_error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fm_fail(err, FM_SANDBOX_VIOLATION, "the kernel refused no_new_privs");
    }
    return true;
}

#ifdef FM_SANITIZED

/* Sanitizers map terabytes, read /proc and start a symbolizer, so a sanitized child is sealed only
 * as far as they can bear. */
bool fm_seal_close(unsigned *landlock, struct fm_error *err)
{
    *landlock = 0;
    return follow_parent(err) && forbid_privileges(err);
}

#else

static const struct {
    __rlimit_resource_t resource;
    rlim_t limit;
} limits[] = {
    {RLIMIT_DATA, FM_SEAL_MEMORY_BYTES},
    {RLIMIT_CORE, 0},
    {RLIMIT_NOFILE, DESCRIPTORS},
    {RLIMIT_FSIZE, FILE_BYTES},
};

/* Lowers the limits for good (soft and hard); those that are lower already stay. */
static bool set_limits(struct fm_error *err)
{
    for (size_t i = 0; i < FM_COUNT(limits); i++) {
        struct rlimit now;
        if (getrlimit(limits[i].resource, &now) != 0) {
            return fm_fail_errno(err, "getrlimit");
        }
        rlim_t limit = limits[i].limit < now.rlim_max ? limits[i].limit : now.rlim_max;
        struct rlimit want = {.rlim_cur = limit, .rlim_max = limit};
        if (setrlimit(limits[i].resource, &want) != 0) {
            return fm_fail_errno(err, "setrlimit");
        }
    }
    /* A write beyond RLIMIT_FSIZE then fails with EFBIG, which becomes RESOURCE_DISK, and does not
     * kill the process. */
    signal(SIGXFSZ, SIG_IGN);
    return true;
}

/* Only a privileged child may do this, and the seal holds without it. A user namespace would permit
 * it to everybody, but it changes the credentials and thereby clears PDEATHSIG. */
static void leave_namespaces(void)
{
    (void)unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS);
}

/* ---- Landlock ---- */

/* The kernel's struct landlock_ruleset_attr as of ABI 6; Debian's header knows only `fs`. */
struct ruleset {
    uint64_t fs;     /* ABI 1 */
    uint64_t net;    /* ABI 4: bind and connect */
    uint64_t scoped; /* ABI 6: abstract sockets and signals */
};

/* For each Landlock ABI, newest first: how many rights it knows (the low bits of each member) and
 * the size of its struct. */
static const struct {
    unsigned abi, fs_rights, net_rights, scopes;
    size_t size;
} landlock_abis[] = {
    {6, 16, 2, 2, 24}, {5, 16, 2, 0, 16}, {4, 15, 2, 0, 16},
    {3, 15, 0, 0, 8},  {2, 14, 0, 0, 8},  {1, 13, 0, 0, 8},
};

/* Restricts everything that the ABI of this row can restrict. */
static bool restrict_paths(size_t row)
{
    struct ruleset ruleset = {
        .fs = (1ULL << landlock_abis[row].fs_rights) - 1,
        .net = (1ULL << landlock_abis[row].net_rights) - 1,
        .scoped = (1ULL << landlock_abis[row].scopes) - 1,
    };
    long fd = syscall(SYS_landlock_create_ruleset, &ruleset, landlock_abis[row].size, 0);
    if (fd < 0) {
        return false;
    }
    bool done = syscall(SYS_landlock_restrict_self, (int)fd, 0) == 0;
    close((int)fd);
    return done;
}

/* A ruleset without any rule: no path can be opened any more. Returns the ABI in force, 0 for none.
 */
static unsigned close_paths(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    for (size_t i = 0; i < FM_COUNT(landlock_abis); i++) {
        if (abi >= (long)landlock_abis[i].abi) {
            return restrict_paths(i) ? landlock_abis[i].abi : 0;
        }
    }
    return 0;
}

/* ---- seccomp ---- */

static const struct {
    uint32_t action;
    int number;
} listed[] = {
#define FM_SYSCALL(name) {SCMP_ACT_ALLOW, SCMP_SYS(name)},
#define FM_SYSCALL_REFUSED(name, error) {SCMP_ACT_ERRNO(error), SCMP_SYS(name)},
#include "worker/media/syscalls.def"
#undef FM_SYSCALL
#undef FM_SYSCALL_REFUSED
};

static int add_listed(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; i < FM_COUNT(listed) && result == 0; i++) {
        result = seccomp_rule_add(filter, listed[i].action, listed[i].number, 0);
    }
    return result;
}

/* mmap, without execution, of private memory alone: RLIMIT_DATA counts neither shared memory nor
 * memory that grows downwards. */
static int allow_private_memory(scmp_filter_ctx filter)
{
    return seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
        SCMP_CMP64(3, SCMP_CMP_MASKED_EQ, MAP_TYPE | MAP_GROWSDOWN, MAP_PRIVATE));
}

/* Calls that are harmless with the right argument: no memory becomes executable, no process is made
 * (only threads), no other process gets a signal, no descriptor but the channel carries messages.
 */
static int allow_conditional(scmp_filter_ctx filter)
{
    const struct {
        int number;
        struct scmp_arg_cmp condition;
    } rows[] = {
        {SCMP_SYS(mprotect), SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {SCMP_SYS(clone), SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
        {SCMP_SYS(prctl), SCMP_CMP64(0, SCMP_CMP_EQ, PR_SET_NAME, 0)},
        {SCMP_SYS(tgkill), SCMP_CMP64(0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)},
        {SCMP_SYS(sendmsg), SCMP_CMP64(0, SCMP_CMP_EQ, FM_CHANNEL_CHILD_FD, 0)},
        {SCMP_SYS(recvmsg), SCMP_CMP64(0, SCMP_CMP_EQ, FM_CHANNEL_CHILD_FD, 0)},
    };
    int result = 0;
    for (size_t i = 0; i < FM_COUNT(rows) && result == 0; i++) {
        result =
            seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rows[i].number, 1, &rows[i].condition);
    }
    return result;
}

static int fill_filter(scmp_filter_ctx filter)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0) {
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    }
    if (result == 0) {
        result = add_listed(filter);
    }
    if (result == 0) {
        result = allow_private_memory(filter);
    }
    if (result == 0) {
        result = allow_conditional(filter);
    }
    return result;
}

/* The last layer: once the filter is loaded, no call works that is not on the list. */
static bool close_calls(struct fm_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter) {
        return fm_fail(err, FM_SANDBOX_VIOLATION, "seccomp_init");
    }
    int result = fill_filter(filter);
    if (result == 0) {
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    if (result != 0) {
        return fm_fail(err, FM_SANDBOX_VIOLATION, "seccomp: %d", result);
    }
    return true;
}

bool fm_seal_close(unsigned *landlock, struct fm_error *err)
{
    if (!set_limits(err)) {
        return false;
    }
    if (prctl(PR_SET_DUMPABLE, 0) != 0) {
        return fm_fail_errno(err, "PR_SET_DUMPABLE");
    }
    if (!follow_parent(err) || !forbid_privileges(err)) {
        return false;
    }
    leave_namespaces();
    *landlock = close_paths();
    return close_calls(err);
}

#endif
