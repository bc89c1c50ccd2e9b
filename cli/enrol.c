/*
 * Runs the broker's and the worker's commands and reads their output: see enrol.h. Each step can be
 * repeated, so that an `up` that was interrupted is repaired by the next one.
 */
#include "cli/enrol.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/spawn.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/scope.h"

#define FIRST_EMAIL "operator@localhost"

/* Runs a command of the broker and parses the first line it prints; *answer NULL when it prints
 * nothing. The caller destroys *answer. */
static bool ask_broker(const struct fm_enrol *enrol, const char *const *words,
                       struct fm_json **answer, struct fm_error *err)
{
    FM_AUTO_FREE char *program = fm_state_dir_path(enrol->place, "bin/fetchmedia-broker");
    const char *argv[12] = {program,
                            "--"}; /* "--": a node's key may itself begin with two dashes */
    for (size_t i = 0; words[i] && i + 3 < FM_COUNT(argv); i++) {
        argv[i + 2] = words[i];
    }
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    *answer = NULL;
    if (!fm_spawn_run(argv, enrol->environment, &enrol->place->broker, &out, err)) {
        return false;
    }
    size_t line = strcspn(fm_text_get(&out), "\n");
    return line == 0 || fm_json_parse((struct fm_slice){fm_text_get(&out), line}, answer, err);
}

/* The member's text, malloc'ed; NULL when it is absent or empty. */
static char *text_of(const struct fm_json *object, const char *name)
{
    const char *text = fm_json_text(fm_json_get(object, name));
    return *text ? fm_strdup(text) : NULL;
}

/* ---- the first account ---- */

static bool read_account(struct fm_enrol *enrol)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(enrol->place, "account");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (!fm_file_read(path, 64, &text, NULL)) {
        return false;
    }
    size_t length = strcspn(fm_text_get(&text), "\n");
    enrol->account = fm_strndup(fm_text_get(&text), length);
    return true;
}

/* Written after the key was made: if `up` dies in between, nobody has seen that key, and the next
 * run makes another. */
static bool write_account(const struct fm_enrol *enrol, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(enrol->place, "account");
    return fm_file_write(path, 0644, fm_slice_of(enrol->account), err);
}

/* An account may exist already: from an interrupted run, or in a database that is shared. The
 * password is known only if the account is made here. */
static bool find_or_make_account(struct fm_enrol *enrol, struct fm_error *err)
{
    static const char *const list[] = {"account", "list", NULL};
    static const char *const create[] = {"account",   "create",   "operator",
                                         FIRST_EMAIL, "operator", NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *found = NULL;
    FM_AUTO(fm_json_destroy) struct fm_json *made = NULL;
    if (!ask_broker(enrol, list, &found, err)) {
        return false;
    }
    if (!found && !ask_broker(enrol, create, &made, err)) {
        return false;
    }
    enrol->account = text_of(found ? found : made, "id");
    enrol->password = text_of(made, "password");
    return enrol->account || fm_fail(err, FM_SYSTEM, "account: no answer");
}

static bool make_key(struct fm_enrol *enrol, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text scopes = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *answer = NULL;
    fm_scope_format(FM_SCOPE_FETCH | FM_SCOPE_PROCESS, ",", &scopes);
    const char *const words[] = {"key", "create", enrol->account, "first", fm_text_get(&scopes),
                                 NULL};
    if (!ask_broker(enrol, words, &answer, err)) {
        return false;
    }
    enrol->key = text_of(answer, "api_key");
    return enrol->key || fm_fail(err, FM_SYSTEM, "key: no answer");
}

bool fm_enrol_account(struct fm_enrol *enrol, struct fm_error *err)
{
    static const char *const migrate[] = {"migrate", NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *answer = NULL;
    if (!ask_broker(enrol, migrate, &answer, err)) {
        return false;
    }
    return read_account(enrol) ||
           (find_or_make_account(enrol, err) && make_key(enrol, err) && write_account(enrol, err));
}

/* ---- workers ---- */

/* The worker's public key as 40 characters of Z85 (ZeroMQ RFC 32); the worker makes its pair on the
 * first call and keeps the secret half in its working directory. */
static bool node_key(const struct fm_enrol *enrol, const char *work_dir, char key[41],
                     struct fm_error *err)
{
    FM_AUTO_FREE char *program = fm_state_dir_path(enrol->place, "bin/fetchmedia-worker");
    const char *const argv[] = {program, "--work-dir", work_dir, "--print-key", NULL};
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    if (!fm_spawn_run(argv, NULL, &enrol->place->work, &out, err)) {
        return false;
    }
    size_t length = out.length;
    while (length && isspace((unsigned char)out.data[length - 1])) {
        length--;
    }
    if (length != 40) {
        return fm_fail(err, FM_SYSTEM, "worker: no node key");
    }
    memcpy(key, out.data, 40);
    key[40] = '\0';
    return true;
}

/* "local-ID-NUMBER"; ID is the state path's hash, so that stacks which share a database have nodes
 * of different names. */
static void node_name(const struct fm_enrol *enrol, unsigned number, char name[32])
{
    const char *id = strrchr(enrol->place->sockets, '/');
    snprintf(name, 32, "local-%.8s-%u", id ? id + 1 : "", number);
}

/* Whether the operator has revoked the node. Asked first, because `node add` refuses a revoked
 * node, which would end the whole start: only the one worker is to be left out. */
static bool ask_revoked(const struct fm_enrol *enrol, const char *name, bool *is_revoked,
                        struct fm_error *err)
{
    const char *const words[] = {"node", "list", name, NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *answer = NULL;
    bool ok = ask_broker(enrol, words, &answer, err);
    *is_revoked = ok && strcmp(fm_json_text(fm_json_get(answer, "state")), "revoked") == 0;
    return ok;
}

bool fm_enrol_worker(struct fm_enrol *enrol, unsigned number, char **broker_key,
                     struct fm_error *err)
{
    char below[32], key[41], name[32];
    bool is_revoked = false;
    *broker_key = NULL;
    node_name(enrol, number, name);
    if (!ask_revoked(enrol, name, &is_revoked, err)) {
        return false;
    }
    if (is_revoked) {
        fprintf(stderr, "fetchmedia: worker %u is not started: its node %s is revoked\n", number,
                name);
        return true;
    }
    snprintf(below, sizeof below, "work/%u", number);
    FM_AUTO_FREE char *work_dir = fm_state_dir_path(enrol->place, below);
    if (!node_key(enrol, work_dir, key, err)) {
        return false;
    }
    const char *const words[] = {"node", "add", name, key, NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *answer = NULL;
    if (!ask_broker(enrol, words, &answer, err)) {
        return false;
    }
    *broker_key = text_of(answer, "broker_public_key");
    return *broker_key || fm_fail(err, FM_SYSTEM, "node: no answer");
}

void fm_enrol_done(struct fm_enrol *enrol)
{
    fm_memory_release(&enrol->account);
    fm_memory_release(&enrol->key);
    fm_memory_release(&enrol->password);
}
