/*
 * The program fetchmedia: its first argument names a command of commands.def, which gets the other
 * arguments. Only help and version are handled here. Exit codes are those of command.h.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/text.h"

struct command {
    const char *name;
    int (*function)(int argc, char **argv);
    const char *arguments, *sentence;
};

static const struct command commands[] = {
#define FM_COMMAND(name, function, arguments, sentence) {name, function, arguments, sentence},
#include "cli/commands.def"
#undef FM_COMMAND
};

/* For the suggestion after a mistyped command. */
static const char *const names[] = {
#define FM_COMMAND(name, function, arguments, sentence) name,
#include "cli/commands.def"
#undef FM_COMMAND
    "help",
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int reject_command(const char *name)
{
    const char *nearest = fm_text_nearest(name, names, FM_COUNT(names));
    fprintf(stderr, "fetchmedia: there is no command \"%.64s\"", name);
    if (nearest != NULL) {
        fprintf(stderr, "; did you mean \"%s\"?\n", nearest);
    } else {
        fprintf(stderr, "; fetchmedia help lists the commands\n");
    }
    return FM_EXIT_USAGE;
}

static void list_commands(FILE *out)
{
    fprintf(out, "usage: fetchmedia COMMAND ...\n\n");
    for (size_t i = 0; i < FM_COUNT(commands); i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].sentence);
    }
    fprintf(out, "\nfetchmedia help COMMAND shows its arguments.\n");
}

static int explain_command(const char *name)
{
    const struct command *command = find_command(name);
    if (command == NULL) {
        return reject_command(name);
    }
    printf("usage: fetchmedia %s %s\n\n%s\n", command->name, command->arguments, command->sentence);
    return FM_EXIT_OK;
}

static int run_help(int argc, char **argv)
{
    if (argc > 1) {
        return explain_command(argv[1]);
    }
    list_commands(stdout);
    return FM_EXIT_OK;
}

/* --help anywhere before "--" explains the command instead of running it. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(const char *name, const char *a, const char *b)
{
    return strcmp(name, a) == 0 || strcmp(name, b) == 0;
}

static int run_command(int argc, char **argv)
{
    if (argc == 0) {
        list_commands(stderr);
        return FM_EXIT_USAGE;
    }
    if (is_one_of(argv[0], "--version", "version")) {
        printf("fetchmedia %s\n", FM_VERSION);
        return FM_EXIT_OK;
    }
    if (is_one_of(argv[0], "help", "--help") || strcmp(argv[0], "-h") == 0) {
        return run_help(argc, argv);
    }
    const struct command *command = find_command(argv[0]);
    if (command == NULL) {
        return reject_command(argv[0]);
    }
    return asks_for_help(argc, argv) ? explain_command(argv[0]) : command->function(argc, argv);
}

int main(int argc, char **argv)
{
    fm_log_open("fetchmedia", FM_LOG_INFO);
    int code = run_command(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("fetchmedia: standard output"); /* output that was lost is a failure */
        return code == FM_EXIT_OK ? FM_EXIT_SYSTEM : code;
    }
    return code;
}
