/* The commands' common ground: exit codes and the entry points of commands.def. */
#ifndef FM_CLI_COMMAND_H
#define FM_CLI_COMMAND_H

#include "common/error.h"

/* Documented in docs/cli.md. */
enum fm_command_exit {
    FM_EXIT_OK = 0,
    FM_EXIT_FAILED = 1,        /* the job failed or was canceled */
    FM_EXIT_USAGE = 2,         /* wrong arguments or settings */
    FM_EXIT_UNREACHABLE = 3,   /* no answer from the service */
    FM_EXIT_REFUSED = 4,       /* the service refused: key, scope, limits, parameters */
    FM_EXIT_SYSTEM = 5,        /* something on this machine */
    FM_EXIT_INTERRUPTED = 130, /* Ctrl-C while following; the job goes on */
};

/* Each takes its own words (argv[0] is the command's name) and returns an exit code. */
#define FM_COMMAND(name, function, arguments, sentence) int function(int argc, char **argv);
#include "cli/commands.def"
#undef FM_COMMAND

/* Prints the error for a person on stderr; returns the code that fits. */
int fm_command_fail(const struct fm_error *err);

#endif
