/* Calls that a sealed child must not be able to make, each with a target that would permit it. True
 * from any of them means that the call worked. */
#include "worker/media/seal_try.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"

/* More than FM_SEAL_MEMORY_BYTES. */
#define MAP_BYTES (16UL << 30)

static bool try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool try_open(void)
{
    return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

/* Does not return if it works. The program then starts again with the name of a call that does not
 * exist, which fm_seal_try_succeeds reports as a success. */
static bool try_exec(void)
{
    char program[] = "fetchmedia-media", option[] = "--try", call[] = "nothing";
    char *const arguments[] = {program, option, call, NULL};
    execv("/proc/self/exe", arguments);
    return false;
}

static bool try_fork(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return pid > 0;
}

static bool try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool try_kill(void)
{
    return kill(getppid(), 0) == 0;
}

/* The form in which glibc's fstat() arrives at the kernel, with a path in it. */
static bool try_stat(void)
{
    struct stat status;
    return fstatat(AT_FDCWD, "/etc/passwd", &status, AT_EMPTY_PATH) == 0;
}

/* Maps more memory than RLIMIT_DATA allows, of a kind that RLIMIT_DATA does not count. */
static bool try_map(int flags)
{
    return mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
                0) != MAP_FAILED;
}

static bool try_share(void)
{
    return try_map(MAP_SHARED);
}

static bool try_grow(void)
{
    return try_map(MAP_PRIVATE | MAP_GROWSDOWN);
}

static const struct {
    const char *name;
    bool (*succeeds)(void);
} calls[] = {
    {"socket", try_socket}, {"open", try_open},     {"exec", try_exec},
    {"fork", try_fork},     {"ptrace", try_ptrace}, {"kill", try_kill},
    {"stat", try_stat},     {"share", try_share},   {"grow", try_grow},
};

bool fm_seal_try_succeeds(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(calls); i++) {
        if (!strcmp(calls[i].name, name)) {
            return calls[i].succeeds();
        }
    }
    return true;
}
