/*
 * The `me` command: prints GET /v1/me, that is, the account behind the key, the key's scopes, and
 * the limits that apply.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/show.h"
#include "common/memory.h"
#include "common/settings.h"

struct options {
    bool json;
};

static const struct fm_setting table[] = {
    {FM_KIND_BOOL, "json", offsetof(struct options, json), "false", 0, 1, "Print the JSON object"},
};

static void put_scopes(const struct fm_json *scopes, struct fm_text *out)
{
    for (size_t i = 0; scopes != NULL && i < fm_json_count(scopes); i++) {
        fm_text_format(out, "%s%s", i > 0 ? ", " : "", fm_json_text(fm_json_at(scopes, i)));
    }
}

/* Lists whatever limits the service sends, so that a newer one needs no change here. */
static void put_limits(const struct fm_json *limits, struct fm_text *out)
{
    void *at = limits == NULL ? NULL : fm_json_first(limits);
    for (; at != NULL; at = fm_json_next(limits, at)) {
        const struct fm_json *value = fm_json_value(at);
        fm_text_format(out, "  %-26s", fm_json_name(at));
        if (fm_json_kind(value) == FM_JSON_NULL) {
            fm_text_append(out, "none\n");
        } else {
            fm_text_format(out, "%lld\n", (long long)fm_json_integer(value));
        }
    }
}

static void describe_key(const struct fm_json *me, struct fm_text *out)
{
    const struct fm_json *account = fm_json_get(me, "account"), *key = fm_json_get(me, "key");
    const struct fm_json *jobs = fm_json_get(me, "jobs");
    const char *expires = fm_json_text(fm_json_get(key, "expires_at"));
    fm_text_append(out, "account  ");
    fm_show_clean(fm_json_text(fm_json_get(account, "name")), out);
    fm_text_format(out, " (%s%s)\nkey      ", fm_json_text(fm_json_get(account, "plan")),
                   fm_json_bool(fm_json_get(account, "operator")) ? ", operator" : "");
    fm_show_clean(fm_json_text(fm_json_get(key, "name")), out);
    fm_text_format(out, ", sk_…%s, %s%s\nscopes   ", fm_json_text(fm_json_get(key, "last4")),
                   expires[0] != '\0' ? "until " : "never expires", expires);
    put_scopes(fm_json_get(key, "scopes"), out);
    fm_text_format(out, "\njobs     %lld queued, %lld running\nlimits\n",
                   (long long)fm_json_integer(fm_json_get(jobs, "queued")),
                   (long long)fm_json_integer(fm_json_get(jobs, "running")));
    put_limits(fm_json_get(me, "limits"), out);
}

static int print_me(bool wants_json)
{
    FM_AUTO(fm_client_done) struct fm_client client = {0};
    FM_AUTO(fm_client_answer_done) struct fm_client_answer answer = {0};
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_error err = {0};
    if (!fm_client_open(&client, &err) ||
        !fm_client_call(&client, "GET", "/v1/me", NULL, &answer, &err) ||
        !fm_client_check(&answer, &err)) {
        return fm_command_fail(&err);
    }
    describe_key(answer.json, &text);
    printf("%s%s", fm_text_get(wants_json ? &answer.body : &text), wants_json ? "\n" : "");
    return FM_EXIT_OK;
}

int fm_me_command(int argc, char **argv)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    struct options options = {0};
    struct fm_error err = {0};
    bool is_good = fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err) &&
                   (words.rest_count == 0 ||
                    fm_fail(&err, FM_SETTING, "me: unexpected argument \"%.64s\"", rest[0]));
    bool wants_json = options.json;
    fm_settings_done(table, FM_COUNT(table), &options);
    return is_good ? print_me(wants_json) : fm_command_fail(&err);
}
