/* How a command that failed says so, and the exit code that tells a script. */
#include "cli/command.h"

#include <stdio.h>

#include "cli/show.h"
#include "common/memory.h"

/* Codes of this program's own making; every other came from the service. */
static const struct {
    enum fm_error_code code;
    enum fm_command_exit exit;
} ours[] = {
    {FM_SETTING, FM_EXIT_USAGE},        {FM_SYSTEM, FM_EXIT_SYSTEM},
    {FM_RESOURCE_DISK, FM_EXIT_SYSTEM}, {FM_ALREADY_EXISTS, FM_EXIT_SYSTEM},
    {FM_PROTOCOL, FM_EXIT_UNREACHABLE}, {FM_UNAVAILABLE, FM_EXIT_UNREACHABLE},
    {FM_INTERNAL, FM_EXIT_UNREACHABLE},
};

static enum fm_command_exit exit_of(enum fm_error_code code)
{
    for (size_t i = 0; i < FM_COUNT(ours); i++) {
        if (ours[i].code == code) {
            return ours[i].exit;
        }
    }
    return FM_EXIT_REFUSED;
}

int fm_command_fail(const struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    enum fm_command_exit code = exit_of(err->code);
    /* Whoever runs this may read the detail; a refusal has the service's words only. */
    bool has_words = err->message[0] != '\0' || err->detail[0] == '\0';
    fm_show_clean(has_words ? fm_error_text(err) : err->detail, &text);
    if (code == FM_EXIT_REFUSED) {
        fm_text_format(&text, " (%s)", fm_error_row(err->code)->public_code);
    }
    fprintf(stderr, "fetchmedia: %s\n", fm_text_get(&text));
    return (int)code;
}
