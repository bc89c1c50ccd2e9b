/*
 * Finds a dead supervisor's processes by the program they run (/proc/PID/exe), since their ids are
 * lost with the supervisor: see leftover.h.
 */
#include "cli/leftover.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"

#define PATIENCE_MS 20000      /* then SIGKILL */
#define LAST_PATIENCE_MS 40000 /* then the start fails */
#define POLL_MS 20
#define PID_FILE_LIMIT 4096

/* Also false for a process of another user, whose link we may not read. */
static bool program_of(pid_t pid, char out[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(link, out, PATH_MAX - 1);
    out[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* The PostgreSQL server of this cluster, or 0. Its program is the system's, so its pid file names
 * it; the program's name is checked because the id may belong to another process by now. */
static pid_t find_server(const struct fm_state_dir *state_dir)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(state_dir, "pg/postmaster.pid");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    char program[PATH_MAX];
    if (!fm_file_read(path, PID_FILE_LIMIT, &text, NULL)) {
        return 0;
    }
    pid_t pid = (pid_t)strtol(fm_text_get(&text), NULL, 10);
    bool is_server = pid > 1 && program_of(pid, program) && strstr(program, "/postgres");
    return is_server ? pid : 0;
}

/* Any process that runs one of the stack's copies of the programs (<state>/bin/fetchmedia-…), or 0:
 * broker, workers and their children. <state>/bin/fetchmedia itself is not counted, because anyone
 * may be using that copy of the command line, this process included. */
static pid_t find_program(const struct fm_state_dir *state_dir)
{
    FM_AUTO_FREE char *below = fm_state_dir_path(state_dir, "bin");
    FM_AUTO_FREE char *directory = realpath(below, NULL);
    DIR *list = directory ? opendir("/proc") : NULL;
    char program[PATH_MAX];
    pid_t found = 0;
    if (!list) {
        return 0;
    }
    size_t length = strlen(directory);
    for (struct dirent *entry; !found && (entry = readdir(list));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        if (pid && program_of(pid, program) && fm_text_starts(program, directory) &&
            fm_text_starts(program + length, "/fetchmedia-")) {
            found = pid;
        }
    }
    closedir(list);
    return found;
}

bool fm_leftover_wait(const struct fm_state_dir *state_dir, struct fm_error *err)
{
    int64_t began_ms = fm_clock_ms();
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    pid_t pid;
    while ((pid = find_server(state_dir)) || (pid = find_program(state_dir))) {
        int64_t waited_ms = fm_clock_ms() - began_ms;
        if (waited_ms > LAST_PATIENCE_MS) {
            return fm_fail(err, FM_SYSTEM, "process %d of an earlier run did not end", (int)pid);
        }
        if (waited_ms > PATIENCE_MS) {
            kill(pid, SIGKILL);
        }
        nanosleep(&pause, NULL);
    }
    return true;
}
