/* A stream of structs as they are in memory, each followed by its spec: only the process that wrote
 * the file reads it, so it needs no portable format. */
#include "broker/db/batch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "proto/spec.h"

struct fm_batch_file {
    FILE *stream;
    size_t count;
    char spec[FM_SPEC_LIMIT]; /* the spec of the job read last */
};

/* Uses O_TMPFILE, or on a file system without it creates a named file and unlinks it at once. */
static int open_unlinked(const char *directory)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return fd;
    }
    fm_text_format(&path, "%s/.batch-XXXXXX", directory);
    fd = mkostemp(path.data, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path.data);
    }
    return fd;
}

bool fm_batch_file_new(const char *directory, struct fm_batch_file **file, struct fm_error *err)
{
    int fd = open_unlinked(directory);
    if (fd < 0) {
        return fm_fail_errno(err, "batch file");
    }
    struct fm_batch_file *fresh = fm_alloc(sizeof(*fresh));
    fresh->stream = fdopen(fd, "w+");
    if (fresh->stream == NULL) {
        abort(); /* out of memory, like any failed allocation */
    }
    *file = fresh;
    return true;
}

void fm_batch_file_destroy(struct fm_batch_file **file)
{
    if (*file != NULL) {
        (void)fclose((*file)->stream);
        free(fm_steal(*file));
    }
}

bool fm_batch_file_add(struct fm_batch_file *file, const struct fm_batch_job *job,
                       struct fm_error *err)
{
    bool is_written = fwrite(job, sizeof(*job), 1, file->stream) == 1 &&
                      fwrite(job->spec.data, 1, job->spec.length, file->stream) == job->spec.length;
    file->count += is_written ? 1 : 0;
    return is_written || fm_fail_errno(err, "batch file");
}

size_t fm_batch_file_count(const struct fm_batch_file *file)
{
    return file->count;
}

bool fm_batch_file_rewind(struct fm_batch_file *file, struct fm_error *err)
{
    return fseek(file->stream, 0, SEEK_SET) == 0 || fm_fail_errno(err, "batch file");
}

bool fm_batch_file_next(struct fm_batch_file *file, struct fm_batch_job *job, struct fm_error *err)
{
    bool is_read = fread(job, sizeof(*job), 1, file->stream) == 1 &&
                   job->spec.length <= sizeof(file->spec) &&
                   fread(file->spec, 1, job->spec.length, file->stream) == job->spec.length;
    job->spec.data = file->spec;
    return is_read || fm_fail(err, FM_SYSTEM, "batch file: read error");
}
