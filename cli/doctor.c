/*
 * The `doctor` command: runs every check of examine.c and prints the verdicts, as lines or as one
 * JSON object. It changes nothing, and needs no running stack. Exits with FM_EXIT_FAILED when a
 * check is bad; a note is no failure.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/examine.h"
#include "cli/running.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/settings.h"

struct options {
    char *state_dir;
    bool json;
};

static const struct fm_setting table[] = {
    {FM_KIND_TEXT, "state_dir", offsetof(struct options, state_dir), "", 0, 4096,
     "The state directory"},
    {FM_KIND_BOOL, "json", offsetof(struct options, json), "false", 0, 1, "Print one JSON object"},
};

static const char *const verdicts[] = {
    [FM_EXAMINE_OK] = "ok", [FM_EXAMINE_NOTE] = "note", [FM_EXAMINE_BAD] = "bad"};

static void print_line(const char *name, enum fm_examine_verdict verdict,
                       const struct fm_examine *examine)
{
    printf("%-5s %-9s %s\n", verdicts[verdict], name, fm_text_get(&examine->detail));
    if (examine->fix.length > 0) {
        printf("                → %s\n", fm_text_get(&examine->fix));
    }
}

static void put_json(struct fm_json_writer *json, const char *name, enum fm_examine_verdict verdict,
                     const struct fm_examine *examine)
{
    fm_json_open(json, NULL, '{');
    fm_json_put_text(json, "name", name);
    fm_json_put_text(json, "verdict", verdicts[verdict]);
    fm_json_put_text(json, "detail", fm_text_get(&examine->detail));
    fm_json_put_text(json, "fix", examine->fix.length > 0 ? fm_text_get(&examine->fix) : NULL);
    fm_json_close(json, '}');
}

/* Runs and prints all checks; `json` NULL: as lines. True unless a check is bad. */
static bool run_checks(const struct fm_state_dir *state_dir, const struct fm_json *running,
                       struct fm_json_writer *json)
{
    bool is_well = true;
    for (size_t i = 0; i < fm_examine_part_count; i++) {
        struct fm_examine examine = {.state_dir = state_dir, .running = running};
        enum fm_examine_verdict verdict = fm_examine_parts[i].check(&examine);
        if (json != NULL) {
            put_json(json, fm_examine_parts[i].name, verdict, &examine);
        } else {
            print_line(fm_examine_parts[i].name, verdict, &examine);
        }
        is_well = is_well && verdict != FM_EXAMINE_BAD;
        fm_text_done(&examine.detail);
        fm_text_done(&examine.fix);
    }
    return is_well;
}

static int run_doctor(const struct fm_state_dir *state_dir, bool wants_json)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0}, description = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *running = NULL;
    struct fm_error err = {0};
    bool is_running = false;
    if (!fm_running_is(state_dir, &is_running, &err)) {
        return fm_command_fail(&err);
    }
    if (is_running && !fm_running_describe(state_dir, &description, &running)) {
        running = NULL; /* the stack is still starting: up.json comes when it is ready */
    }
    struct fm_json_writer json = {.out = &text};
    fm_json_open(&json, NULL, '{');
    fm_json_open(&json, "checks", '[');
    bool is_well = run_checks(state_dir, running, wants_json ? &json : NULL);
    fm_json_close(&json, ']');
    fm_json_put_bool(&json, "well", is_well);
    fm_json_close(&json, '}');
    if (wants_json) {
        printf("%s\n", fm_text_get(&text));
    }
    return is_well ? FM_EXIT_OK : FM_EXIT_FAILED;
}

int fm_doctor_command(int argc, char **argv)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    struct options options = {0};
    struct fm_state_dir state_dir = {0};
    struct fm_error err = {0};
    bool is_good = fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err) &&
                   (words.rest_count == 0 ||
                    fm_fail(&err, FM_SETTING, "doctor: unexpected argument \"%.64s\"", rest[0]));
    const char *state =
        options.state_dir != NULL && options.state_dir[0] != '\0' ? options.state_dir : NULL;
    is_good = is_good && fm_state_dir_find(state, &state_dir, &err);
    int code = is_good ? run_doctor(&state_dir, options.json) : fm_command_fail(&err);
    fm_state_dir_done(&state_dir);
    fm_settings_done(table, FM_COUNT(table), &options);
    return code;
}
