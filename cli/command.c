/* Turns an error into a line on stderr and an exit code: see command.h. */
#include "cli/command.h"

#include <stdio.h>

#include "cli/show.h"
#include "common/memory.h"

/* The codes that the CLI itself produces, or that mean no usable answer. Any other code comes from
 * the service's error body and is a refusal. */
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
    /* The public message if there is one, else the detail: the user who runs this command may read
     * paths and system errors of this machine. A refusal carries the service's message only. */
    bool has_message = err->message[0] != '\0' || err->detail[0] == '\0';
    fm_show_clean(has_message ? fm_error_text(err) : err->detail, &text);
    if (code == FM_EXIT_REFUSED) {
        fm_text_format(&text, " (%s)", fm_error_row(err->code)->public_code);
    }
    fprintf(stderr, "fetchmedia: %s\n", fm_text_get(&text));
    return (int)code;
}
