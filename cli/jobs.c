/*
 * The `jobs` command: shows, follows, cancels, retries or deletes a job, one request each. `jobs
 * list` has a file of its own, jobs_list.c; following is done by follow.c.
 */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/jobs_list.h"
#include "cli/show.h"
#include "common/id.h"
#include "common/memory.h"
#include "common/settings.h"

struct options {
    bool json;
};

static const struct fm_setting table[] = {
    {FM_KIND_BOOL, "json", offsetof(struct options, json), "false", 0, 1, "Print the job object"},
};

struct verb {
    const char *name;
    bool (*run)(const struct fm_client *client, const char *job, struct fm_client_answer *answer,
                struct fm_error *err);
    bool fails_unless_succeeded; /* exit with FM_EXIT_FAILED unless the job succeeded */
};

static bool get_job(const struct fm_client *client, const char *job,
                    struct fm_client_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "/v1/jobs/%s", job);
    return fm_client_call(client, "GET", fm_text_get(&path), NULL, answer, err) &&
           fm_client_check(answer, err);
}

static bool post_action(const struct fm_client *client, const char *job, const char *action,
                        struct fm_client_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "/v1/jobs/%s/%s", job, action);
    return fm_client_call(client, "POST", fm_text_get(&path), NULL, answer, err) &&
           fm_client_check(answer, err);
}

static bool cancel_job(const struct fm_client *client, const char *job,
                       struct fm_client_answer *answer, struct fm_error *err)
{
    return post_action(client, job, "cancel", answer, err);
}

static bool retry_job(const struct fm_client *client, const char *job,
                      struct fm_client_answer *answer, struct fm_error *err)
{
    return post_action(client, job, "retry", answer, err);
}

static bool delete_job(const struct fm_client *client, const char *job,
                       struct fm_client_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "/v1/jobs/%s", job);
    return fm_client_call(client, "DELETE", fm_text_get(&path), NULL, answer, err) &&
           fm_client_check(answer, err);
}

static const struct verb verbs[] = {
    {"get", get_job, false},     {"watch", fm_follow_run, true}, {"cancel", cancel_job, false},
    {"retry", retry_job, false}, {"delete", delete_job, false},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* Checks the arguments and returns the verb, NULL on failure. The id is parsed here because it
 * becomes a part of the request's path, where a slash or a query would ask for something else. */
static const struct verb *parse_arguments(char **arguments, size_t count, struct fm_error *err)
{
    struct fm_id id;
    const struct verb *verb = count == 2 ? find_verb(arguments[0]) : NULL;
    if (verb == NULL) {
        fm_fail(err, FM_SETTING,
                "usage: fetchmedia jobs get|watch|cancel|retry|delete JOB, or jobs list");
        return NULL;
    }
    if (!fm_id_parse(FM_ID_JOB, arguments[1], &id)) {
        fm_fail(err, FM_SETTING, "\"%.64s\" is not a job id", arguments[1]);
        return NULL;
    }
    return verb;
}

/* The reply to a DELETE is no job object: it has an id and "deleted". */
static int print_job(const struct verb *verb, const struct fm_client_answer *answer,
                     bool wants_json)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_show_job job;
    fm_show_read(answer->json, &job);
    if (fm_json_bool(fm_json_get(answer->json, "deleted"))) {
        fm_text_format(&text, "%s is deleted\n", job.id);
    } else {
        fm_show_summary(answer->json, &text);
    }
    printf("%s%s", fm_text_get(wants_json ? &answer->body : &text), wants_json ? "\n" : "");
    return verb->fails_unless_succeeded && !job.has_succeeded ? FM_EXIT_FAILED : FM_EXIT_OK;
}

static int run_verb(const struct verb *verb, const char *job, bool wants_json)
{
    FM_AUTO(fm_client_done) struct fm_client client = {0};
    FM_AUTO(fm_client_answer_done) struct fm_client_answer answer = {0};
    struct fm_error err = {0};
    bool is_good = fm_client_open(&client, &err) && verb->run(&client, job, &answer, &err);
    return is_good ? print_job(verb, &answer, wants_json) : fm_command_fail(&err);
}

int fm_jobs_command(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "list") == 0) {
        return fm_jobs_list(argc - 1, argv + 1);
    }
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    struct options options = {0};
    struct fm_error err = {0};
    const struct verb *verb = NULL;
    if (fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err)) {
        verb = parse_arguments(rest, words.rest_count, &err);
    }
    fm_settings_done(table, FM_COUNT(table), &options);
    return verb != NULL ? run_verb(verb, rest[1], options.json) : fm_command_fail(&err);
}
