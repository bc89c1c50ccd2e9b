/* The calls a sealed child must not be able to make, each against a target that would let it.
 */
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

#define MAP_BYTES (16UL << 30)

static bool try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool try_open(void)
{
    return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

/* Does not come back if it works: the program then starts anew with a word that does not exist, and
 * answers like any other success. */
static bool try_exec(void)
{
    char name[] = "fetchmedia-media", option[] = "--try", word[] = "nothing";
    char *const arguments[] = {name, option, word, NULL};
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

static bool try_stat(void)
{
    struct stat status;
    return fstatat(AT_FDCWD, "/etc/passwd", &status, AT_EMPTY_PATH) == 0;
}

/* More than the limit of memory lets it have, by the kinds that limit does not count. */
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
    const char *word;
    bool (*succeeds)(void);
} calls[] = {
    {"socket", try_socket}, {"open", try_open},     {"exec", try_exec},
    {"fork", try_fork},     {"ptrace", try_ptrace}, {"kill", try_kill},
    {"stat", try_stat},     {"share", try_share},   {"grow", try_grow},
};

bool fm_seal_try_succeeds(const char *word)
{
    for (size_t i = 0; i < FM_COUNT(calls); i++) {
        if (!strcmp(calls[i].word, word)) {
            return calls[i].succeeds();
        }
    }
    return true;
}
