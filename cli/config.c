/*
 * The `config set URL` command: saves the address and the API key for later commands. The key comes
 * from standard input, so that neither the process list nor the shell's history holds it.
 */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/command.h"
#include "common/memory.h"

#define KEY_LINE 512 /* bytes; a longer line is cut, and then refused as malformed */

/* Reads one line; echo is off meanwhile if stdin is a terminal. False at the end of input. */
static bool read_key(char *line, int size)
{
    struct termios before;
    bool is_terminal = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fputs("API key: ", stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool is_read = fgets(line, size, stdin) != NULL;
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return is_read;
}

int fm_config_command(int argc, char **argv)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    struct fm_error err = {0};
    char key[KEY_LINE] = "";
    if (argc != 3 || strcmp(argv[1], "set") != 0) {
        fm_fail(&err, FM_SETTING,
                "usage: fetchmedia config set URL (the API key is read from standard input)");
        return fm_command_fail(&err);
    }
    if (!read_key(key, sizeof(key))) {
        fm_fail(&err, FM_SETTING, "standard input holds no API key");
        return fm_command_fail(&err);
    }
    bool is_saved = fm_client_save(argv[2], key, &err) && fm_client_config_path(&path, &err);
    explicit_bzero(key, sizeof(key));
    if (!is_saved) {
        return fm_command_fail(&err);
    }
    printf("Saved in %s\n", fm_text_get(&path));
    return FM_EXIT_OK;
}
