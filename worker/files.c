/* Opens, seals and removes the files of an attempt. */
#include "worker/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"

static void set_names(struct fm_files *files, const char *work_dir, const struct fm_id *job,
                      uint64_t lease)
{
    char text[FM_ID_TEXT_SIZE];
    *files = (struct fm_files){.directory_fd = -1, .source_fd = -1};
    fm_id_format(FM_ID_JOB, job, text);
    fm_id_format_lease(lease, files->lease);
    files->jobs = fm_file_path(work_dir, "jobs");
    files->job = fm_strdup(text);
    FM_AUTO_FREE char *parent = fm_file_path(files->jobs, files->job);
    files->directory = fm_file_path(parent, files->lease);
}

bool fm_files_open(struct fm_files *files, const char *work_dir, const struct fm_id *job,
                   uint64_t lease, struct fm_error *err)
{
    set_names(files, work_dir, job, lease);
    if (!fm_file_make_dirs(files->directory, 0700, err)) {
        return false;
    }
    files->directory_fd = open(files->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return files->directory_fd >= 0 || fm_fail_errno(err, "work directory");
}

void fm_files_close_outputs(struct fm_files *files)
{
    for (size_t i = 0; i < files->output_count; i++) {
        fm_file_close(&files->output_fds[i]);
    }
    files->output_count = 0;
}

static void remove_directory(const struct fm_files *files)
{
    struct fm_error err = {0};
    FM_AUTO_FREE char *parent = fm_file_path(files->jobs, files->job);
    FM_AUTO(fm_file_close) int fd = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (!fm_file_remove_tree(fd, files->lease, &err)) {
        /* fm_sweep_old removes the rest once it is old. */
        fm_log_failure("remove_directory", &err);
    }
    /* Fails, as it should, if another attempt at the job has its directory there. */
    rmdir(parent);
}

void fm_files_remove(struct fm_files *files)
{
    if (files->directory == NULL) {
        return;
    }
    fm_files_close_outputs(files);
    fm_file_close(&files->source_fd);
    fm_file_close(&files->directory_fd);
    remove_directory(files);
    free(files->jobs);
    free(files->job);
    free(files->directory);
    *files = (struct fm_files){.directory_fd = -1, .source_fd = -1};
}

bool fm_files_take_source(struct fm_files *files, int *fd, struct fm_error *err)
{
    struct stat status;
    int flags = fcntl(*fd, F_GETFL);
    if (flags < 0 || fstat(*fd, &status) != 0) {
        return fm_fail_errno(err, "the source's descriptor");
    }
    if (!S_ISREG(status.st_mode) || (flags & O_ACCMODE) != O_RDONLY) {
        return fm_fail(err, FM_PROTOCOL, "the source is not a regular file open for reading only");
    }
    fm_file_close(&files->source_fd);
    files->source_fd = *fd;
    *fd = -1;
    return true;
}

static bool make_output(struct fm_files *files, const char *name, int *fd, struct fm_error *err)
{
    char file[128];
    snprintf(file, sizeof(file), "%s%s", name, FM_FILES_SUFFIX);
    /* A file of that name belongs to an earlier generation. Unlinked, not truncated: a process that
     * still has it open keeps the old file and cannot touch the new one. */
    if (unlinkat(files->directory_fd, file, 0) != 0 && errno != ENOENT) {
        return fm_fail_errno(err, "remove an old output");
    }
    *fd =
        openat(files->directory_fd, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *fd >= 0 || fm_fail_errno(err, "make an output");
}

bool fm_files_make_outputs(struct fm_files *files, const struct fm_spec *spec, struct fm_error *err)
{
    fm_files_close_outputs(files);
    for (size_t i = 0; i < spec->outputs.count && i < FM_FILES_OUTPUTS; i++) {
        const char *name = fm_spec_output_at(spec, i)->name;
        if (!make_output(files, name, &files->output_fds[i], err)) {
            return false;
        }
        files->output_count++;
    }
    return true;
}

bool fm_files_seal_outputs(struct fm_files *files, struct fm_error *err)
{
    for (size_t i = 0; i < files->output_count; i++) {
        int reader = -1;
        if (!fm_file_reopen_readonly(files->output_fds[i], &reader, err)) {
            return false;
        }
        fm_file_close(&files->output_fds[i]);
        files->output_fds[i] = reader;
    }
    return true;
}
