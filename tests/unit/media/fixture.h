/*
 * Shared by all media tests: a directory for the test's files, inputs made by the ffmpeg command,
 * and a media child at the other end of a channel.
 */
#ifndef FM_TESTS_UNIT_MEDIA_FIXTURE_H
#define FM_TESTS_UNIT_MEDIA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* After the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "proto/channel.h"

#define UNUSED __attribute__((unused))
/* Sanitized programs are not sealed, and need more memory than the tests allow. */
#ifdef FM_SANITIZED
#define SANITIZED true
#else
#define SANITIZED false
#endif
#define TWO_SECONDS "-f lavfi -i testsrc=d=2:s=320x240:r=25 -f lavfi -i sine=d=2:r=44100 "

static char directory[] = "/tmp/fm-media-XXXXXX";

static UNUSED int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static UNUSED int remove_directory(void **state)
{
    (void)state;
    struct fm_error err = {0};
    return fm_file_remove_tree(AT_FDCWD, directory, &err) ? 0 : -1;
}

/* Opens a file in the test's directory. */
static UNUSED int open_made(const char *name, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* Runs `ffmpeg ARGUMENTS` in the test's directory. */
static UNUSED void ffmpeg(const char *arguments)
{
    char command[4096];
    snprintf(command, sizeof(command),
             "cd %s && ffmpeg -nostdin -y -v error -threads 1 %s </dev/null", directory, arguments);
    assert_int_equal(system(command), 0);
}

/* Copies a film so that players show it turned by `degrees` counterclockwise. From FFmpeg 6.0 on
 * the command has an option for that, before it a metadata tag. */
static UNUSED void turn(const char *source, int degrees, const char *made)
{
    char command[512];
    snprintf(command, sizeof(command),
             "cd %s && f='ffmpeg -nostdin -y -v error' && "
             "{ $f -display_rotation %d -i %s -c copy %s 2>/dev/null || "
             "$f -i %s -c copy -metadata:s:v rotate=%d %s; }",
             directory, degrees, source, made, source, degrees, made);
    assert_int_equal(system(command), 0);
}

static UNUSED void write_file(const char *name, const void *bytes, size_t length)
{
    struct fm_error err = {0};
    FM_AUTO(fm_file_close) int fd = open_made(name, O_WRONLY | O_CREAT | O_TRUNC);
    assert_true(fm_file_write_all(fd, bytes, length, &err));
}

static UNUSED int64_t size_of(int fd)
{
    struct fm_error err = {0};
    int64_t size_bytes = 0;
    assert_true(fm_file_size(fd, &size_bytes, &err));
    return size_bytes;
}

/* ---- the child ---- */

struct media_child {
    pid_t pid;
    struct fm_channel *channel;
};

/* The path of the program under test; NULL if FM_BIN_DIR has none, and the test is skipped. */
static UNUSED const char *media_program(void)
{
    static char path[PATH_MAX];
    const char *programs = getenv("FM_BIN_DIR");
    if (!programs) {
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/fetchmedia-media", programs);
    return access(path, X_OK) == 0 ? path : NULL;
}

/* Runs in the new process: makes the channel descriptor 3, which stays open across exec. */
static UNUSED void exec_media(int theirs)
{
    if (theirs == FM_CHANNEL_CHILD_FD) {
        fcntl(theirs, F_SETFD, 0);
    } else {
        dup2(theirs, FM_CHANNEL_CHILD_FD);
    }
    char name[] = "fetchmedia-media";
    char *const arguments[] = {name, NULL};
    execv(media_program(), arguments);
    _exit(127);
}

static UNUSED struct media_child start_child(void)
{
    struct fm_error err = {0};
    int ours = -1, theirs = -1;
    assert_true(fm_channel_pair(&ours, &theirs, &err));
    pid_t pid = fork();
    if (pid == 0) {
        exec_media(theirs);
    }
    assert_true(pid > 0);
    close(theirs);
    return (struct media_child){.pid = pid, .channel = fm_channel_new(ours, FM_FROM_MEDIA)};
}

/* Receives the next message, which must be of this type; the caller ends it. */
static UNUSED void expect_message(struct media_child *child, enum fm_message_type type,
                                  struct fm_message *message)
{
    struct fm_error err = {0};
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count = 0;
    enum fm_channel_got got =
        fm_channel_receive(child->channel, 60000, message, fds, &fd_count, &err);
    if (got != FM_CHANNEL_MESSAGE) {
        print_error("got %d: %s\n", (int)got, err.detail);
    }
    assert_int_equal(got, FM_CHANNEL_MESSAGE);
    assert_string_equal(fm_message_name(message->type), fm_message_name(type));
}

/* Closes the channel and reaps the child; returns the wait status. */
static UNUSED int end_child(struct media_child *child)
{
    int status = 0;
    fm_channel_destroy(&child->channel);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    return status;
}

#endif
