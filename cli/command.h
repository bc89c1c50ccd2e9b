/*
 * What all commands share: the exit codes, the entry points made from commands.def, and how a
 * failed command reports its error. Called by main.c (entry points) and by every command.
 */
#ifndef FM_CLI_COMMAND_H
#define FM_CLI_COMMAND_H

#include "common/error.h"

/* Scripts rely on these numbers; docs/cli.md documents them. */
enum fm_command_exit {
    FM_EXIT_OK = 0,
    FM_EXIT_FAILED = 1,        /* the job or batch did not succeed; doctor found a fault */
    FM_EXIT_USAGE = 2,         /* wrong arguments or settings */
    FM_EXIT_UNREACHABLE = 3,   /* no usable answer from the service, or no stack runs */
    FM_EXIT_REFUSED = 4,       /* the service refused: key, scope, limits, parameters */
    FM_EXIT_SYSTEM = 5,        /* a system call, a file or a process on this machine */
    FM_EXIT_INTERRUPTED = 130, /* Ctrl-C while following; the job goes on */
};

/* Each command gets its own arguments (argv[0] is the command's name) and returns an exit code. */
#define FM_COMMAND(name, function, arguments, sentence) int function(int argc, char **argv);
#include "cli/commands.def"
#undef FM_COMMAND

/* Prints the error on stderr without control characters, and returns the exit code for it. */
int fm_command_fail(const struct fm_error *err);

#endif
