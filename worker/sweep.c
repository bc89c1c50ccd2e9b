/* Walks the two levels of directories, jobs/JOB/LEASE, for both kinds of sweep. */
#include "worker/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"
#include "worker/files.h"

/* What to do with each directory LEASE in JOB; `job_fd` is open on JOB. */
struct walk {
    void (*visit)(const struct walk *walk, int job_fd, const char *job, const char *lease);
    uint64_t age_seconds;
    bool (*is_held)(void *context, const char *job, const char *lease);
    void *context;
};

static int open_directory(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Takes the descriptor over. NULL if it is -1 or no directory. */
static DIR *list_directory(int fd)
{
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL && fd >= 0) {
        close(fd);
    }
    return list;
}

static const char *next_name(DIR *list)
{
    const struct dirent *entry = NULL;
    while ((entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            return entry->d_name;
        }
    }
    return NULL;
}

static void walk_job(const struct walk *walk, int jobs_fd, const char *job)
{
    DIR *leases = list_directory(open_directory(jobs_fd, job));
    const char *lease = NULL;
    if (leases == NULL) {
        return;
    }
    while ((lease = next_name(leases)) != NULL) {
        walk->visit(walk, dirfd(leases), job, lease);
    }
    closedir(leases);
    /* Fails unless the directory is empty. */
    unlinkat(jobs_fd, job, AT_REMOVEDIR);
}

static void walk_all(const struct walk *walk, const char *work_dir)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "%s/jobs", work_dir);
    DIR *jobs = list_directory(open_directory(AT_FDCWD, path.data));
    const char *job = NULL;
    if (jobs == NULL) {
        return;
    }
    while ((job = next_name(jobs)) != NULL) {
        walk_job(walk, dirfd(jobs), job);
    }
    closedir(jobs);
}

static bool is_output(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = sizeof(FM_FILES_SUFFIX) - 1;
    return length > suffix && strcmp(name + length - suffix, FM_FILES_SUFFIX) == 0;
}

static void remove_outputs(const struct walk *walk, int job_fd, const char *job, const char *lease)
{
    (void)walk;
    DIR *files = list_directory(open_directory(job_fd, lease));
    const char *name = NULL;
    if (files == NULL) {
        return;
    }
    while ((name = next_name(files)) != NULL) {
        if (is_output(name) && unlinkat(dirfd(files), name, 0) != 0) {
            fm_log(FM_LOG_WARNING, "sweep_failed", "job=%s lease=%s", job, lease);
        }
    }
    closedir(files);
}

/* A directory's mtime changes when a file in it is made or removed, not when one grows, so a
 * running attempt may look old: only `is_held` protects it. */
static void remove_old(const struct walk *walk, int job_fd, const char *job, const char *lease)
{
    struct stat status;
    struct fm_error err = {0};
    if (fstatat(job_fd, lease, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        walk->is_held(walk->context, job, lease)) {
        return;
    }
    if (time(NULL) - status.st_mtime < (int64_t)walk->age_seconds) {
        return;
    }
    if (!fm_file_remove_tree(job_fd, lease, &err)) {
        fm_log_failure("sweep_failed", &err);
        return;
    }
    fm_log(FM_LOG_INFO, "swept", "job=%s lease=%s", job, lease);
}

void fm_sweep_outputs(const char *work_dir)
{
    const struct walk walk = {.visit = remove_outputs};
    walk_all(&walk, work_dir);
}

void fm_sweep_old(const char *work_dir, uint64_t age_seconds,
                  bool (*is_held)(void *context, const char *job, const char *lease), void *context)
{
    const struct walk walk = {remove_old, age_seconds, is_held, context};
    walk_all(&walk, work_dir);
}
