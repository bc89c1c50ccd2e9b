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

/* Runs a command of the broker and parses the first line it prints; *output NULL when it prints
 * nothing. The caller destroys *output. */
static bool run_broker(const struct fm_enrol *enrol, const char *const *arguments,
                       struct fm_json **output, struct fm_error *err)
{
    FM_AUTO_FREE char *program = fm_state_dir_path(enrol->state_dir, "bin/fetchmedia-broker");
    const char *argv[12] = {program,
                            "--"}; /* "--": a node's key may itself begin with two dashes */
    for (size_t i = 0; arguments[i] && i + 3 < FM_COUNT(argv); i++) {
        argv[i + 2] = arguments[i];
    }
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    *output = NULL;
    if (!fm_spawn_run(argv, enrol->environment, &enrol->state_dir->broker, &out, err)) {
        return false;
    }
    size_t line = strcspn(fm_text_get(&out), "\n");
    return line == 0 || fm_json_parse((struct fm_slice){fm_text_get(&out), line}, output, err);
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
    FM_AUTO_FREE char *path = fm_state_dir_path(enrol->state_dir, "account");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (!fm_file_read(path, 64, &text, NULL)) {
        return false;
    }
    size_t length = strcspn(fm_text_get(&text), "\n");
    enrol->account = fm_strndup(fm_text_get(&text), length);
    return true;
}

/* Written after the key was created: if `up` dies in between, nobody has seen that key, and the
 * next run creates another. */
static bool write_account(const struct fm_enrol *enrol, struct fm_error *err)
{
    FM_AUTO_FREE char *path = fm_state_dir_path(enrol->state_dir, "account");
    return fm_file_write(path, 0644, fm_slice_of(enrol->account), err);
}

/* An account may exist already: from an interrupted run, or in a database that is shared. The
 * password is known only if the account is created here. */
static bool find_or_make_account(struct fm_enrol *enrol, struct fm_error *err)
{
    static const char *const list[] = {"account", "list", NULL};
    static const char *const create[] = {"account",   "create",   "operator",
                                         FIRST_EMAIL, "operator", NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *existing = NULL;
    FM_AUTO(fm_json_destroy) struct fm_json *created = NULL;
    if (!run_broker(enrol, list, &existing, err)) {
        return false;
    }
    if (!existing && !run_broker(enrol, create, &created, err)) {
        return false;
    }
    enrol->account = text_of(existing ? existing : created, "id");
    enrol->password = text_of(created, "password");
    return enrol->account || fm_fail(err, FM_SYSTEM, "the broker printed no account id");
}

static bool make_key(struct fm_enrol *enrol, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text scopes = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *output = NULL;
    fm_scope_format(FM_SCOPE_FETCH | FM_SCOPE_PROCESS, ",", &scopes);
    const char *const arguments[] = {"key", "create", enrol->account, "first", fm_text_get(&scopes),
                                     NULL};
    if (!run_broker(enrol, arguments, &output, err)) {
        return false;
    }
    enrol->key = text_of(output, "api_key");
    return enrol->key || fm_fail(err, FM_SYSTEM, "the broker printed no API key");
}

bool fm_enrol_account(struct fm_enrol *enrol, struct fm_error *err)
{
    static const char *const migrate[] = {"migrate", NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *output = NULL;
    if (!run_broker(enrol, migrate, &output, err)) {
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
    FM_AUTO_FREE char *program = fm_state_dir_path(enrol->state_dir, "bin/fetchmedia-worker");
    const char *const argv[] = {program, "--work-dir", work_dir, "--print-key", NULL};
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    if (!fm_spawn_run(argv, NULL, &enrol->state_dir->work, &out, err)) {
        return false;
    }
    size_t length = out.length;
    while (length && isspace((unsigned char)out.data[length - 1])) {
        length--;
    }
    if (length != 40) {
        return fm_fail(err, FM_SYSTEM, "the worker printed no node key");
    }
    memcpy(key, out.data, 40);
    key[40] = '\0';
    return true;
}

/* "local-ID-NUMBER"; ID is the state path's hash, so that stacks which share a database have nodes
 * of different names. */
static void node_name(const struct fm_enrol *enrol, unsigned number, char name[32])
{
    const char *id = strrchr(enrol->state_dir->sockets, '/');
    snprintf(name, 32, "local-%.8s-%u", id ? id + 1 : "", number);
}

/* Whether the operator has revoked the node. Checked first, because `node add` refuses a revoked
 * node, which would end the whole start: only the one worker is to be left out. */
static bool read_is_revoked(const struct fm_enrol *enrol, const char *name, bool *is_revoked,
                            struct fm_error *err)
{
    const char *const arguments[] = {"node", "list", name, NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *output = NULL;
    bool ok = run_broker(enrol, arguments, &output, err);
    *is_revoked = ok && strcmp(fm_json_text(fm_json_get(output, "state")), "revoked") == 0;
    return ok;
}

bool fm_enrol_worker(struct fm_enrol *enrol, unsigned number, char **broker_key,
                     struct fm_error *err)
{
    char work_name[32], key[41], name[32];
    bool is_revoked = false;
    *broker_key = NULL;
    node_name(enrol, number, name);
    if (!read_is_revoked(enrol, name, &is_revoked, err)) {
        return false;
    }
    if (is_revoked) {
        fprintf(stderr, "fetchmedia: worker %u is not started: its node %s is revoked\n", number,
                name);
        return true;
    }
    snprintf(work_name, sizeof work_name, "work/%u", number);
    FM_AUTO_FREE char *work_dir = fm_state_dir_path(enrol->state_dir, work_name);
    if (!node_key(enrol, work_dir, key, err)) {
        return false;
    }
    const char *const arguments[] = {"node", "add", name, key, NULL};
    FM_AUTO(fm_json_destroy) struct fm_json *output = NULL;
    if (!run_broker(enrol, arguments, &output, err)) {
        return false;
    }
    *broker_key = text_of(output, "broker_public_key");
    return *broker_key || fm_fail(err, FM_SYSTEM, "the broker printed no public key");
}

void fm_enrol_done(struct fm_enrol *enrol)
{
    fm_memory_release(&enrol->account);
    fm_memory_release(&enrol->key);
    fm_memory_release(&enrol->password);
}
