/* One small function for each verb and each kind of subject: see pause.h. */
#include "broker/account/pause.h"

#include <stdio.h>
#include <string.h>

#include "broker/db/db.h"
#include "broker/queue/reason.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/site.h"
#include "sql/sql.h"

#define PATIENCE_MS 30000 /* for connecting, and for each statement */
#define REASON_MAX 500    /* bytes */

/* One command under way. */
struct pause {
    struct fm_db *db;
    char **words; /* after the verb */
    size_t count;
};

static bool run_query(const struct pause *pause, const char *sql, const char *const *parameters,
                      size_t count, struct fm_db_rows **rows, struct fm_error *err)
{
    return fm_db_run(pause->db, sql, parameters, count, fm_clock_ms() + PATIENCE_MS, rows, err);
}

/* ---- the subject of a pause, in the form in which the database stores it ---- */

/* An unknown name is refused: a pause with a typing error would hold back nothing. */
static bool read_site(const char *word, struct fm_text *subject, struct fm_error *err)
{
    enum fm_site site;
    FM_AUTO(fm_text_done) struct fm_text names = {0};
    fm_site_names(&names);
    fm_text_append(subject, word);
    return fm_site_by_name(word, &site) ||
           fm_fail(err, FM_INVALID_REQUEST, "no site \"%s\"; known are: %s", word,
                   fm_text_get(&names));
}

/* Only the form is checked, so that a pool can be paused before any worker serves it. */
static bool read_pool(const char *word, struct fm_text *subject, struct fm_error *err)
{
    fm_text_append(subject, word);
    return (strchr(word, ':') != NULL && strlen(word) < FM_REASON_POOL_SIZE) ||
           fm_fail(err, FM_INVALID_REQUEST,
                   "a pool must be PLACEMENT:CLASS, such as any:net or any:cpu");
}

/* Whether the account exists is checked by pause_add.sql, which then returns no row. */
static bool read_account(const char *word, struct fm_text *subject, struct fm_error *err)
{
    struct fm_id id;
    char uuid[FM_ID_UUID_SIZE];
    if (!fm_id_parse(FM_ID_ACCOUNT, word, &id)) {
        return fm_fail(err, FM_INVALID_REQUEST, "ACCOUNT must be an id such as acct_…");
    }
    fm_id_to_uuid(&id, uuid);
    fm_text_append(subject, uuid);
    return true;
}

static const struct kind {
    const char *name;
    bool (*read)(const char *word, struct fm_text *subject, struct fm_error *err);
} kinds[] = {{"site", read_site}, {"pool", read_pool}, {"account", read_account}};

static bool read_subject(const struct pause *pause, struct fm_text *subject, struct fm_error *err)
{
    for (size_t i = 0; i < FM_COUNT(kinds); i++) {
        if (strcmp(pause->words[0], kinds[i].name) == 0) {
            return kinds[i].read(pause->words[1], subject, err);
        }
    }
    return fm_fail(err, FM_INVALID_REQUEST, "pause a site, a pool or an account");
}

/* ---- the verbs ---- */

/* An account is stored as a UUID but shown as the id by which it was named. */
static void put_subject(struct fm_json_writer *json, const char *kind, const char *subject)
{
    struct fm_id id;
    char text[FM_ID_TEXT_SIZE];
    bool is_account = strcmp(kind, "account") == 0 && fm_id_from_uuid(subject, &id);
    if (is_account) {
        fm_id_format(FM_ID_ACCOUNT, &id, text);
    }
    fm_json_put_text(json, "kind", kind);
    fm_json_put_text(json, "subject", is_account ? text : subject);
}

static bool add_pause(const struct pause *pause, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    FM_AUTO(fm_text_done) struct fm_text subject = {0}, out = {0};
    const char *reason = pause->count > 2 ? pause->words[2] : "";
    struct fm_json_writer json = {.out = &out};
    struct fm_id id = fm_id_new();
    char uuid[FM_ID_UUID_SIZE];
    if (strlen(reason) > REASON_MAX) {
        return fm_fail(err, FM_INVALID_REQUEST, "REASON may have up to %d bytes", REASON_MAX);
    }
    if (!read_subject(pause, &subject, err)) {
        return false;
    }
    fm_id_to_uuid(&id, uuid);
    const char *parameters[] = {uuid, pause->words[0], fm_text_get(&subject), reason};
    if (!run_query(pause, fm_sql_pause_add, parameters, FM_COUNT(parameters), &rows, err)) {
        return false;
    }
    if (fm_db_rows_count(rows) == 0) {
        return fm_fail(err, FM_NOT_FOUND, "no account %s", pause->words[1]);
    }
    fm_json_open(&json, NULL, '{');
    put_subject(&json, pause->words[0], fm_text_get(&subject));
    fm_json_put_text(&json, "reason", reason);
    fm_json_close(&json, '}');
    printf("%s\n", fm_text_get(&out));
    return true;
}

static bool list_pauses(const struct pause *pause, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    if (!run_query(pause, fm_sql_pause_list, NULL, 0, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < fm_db_rows_count(rows); i++) {
        FM_AUTO(fm_text_done) struct fm_text out = {0};
        struct fm_json_writer json = {.out = &out};
        fm_json_open(&json, NULL, '{');
        put_subject(&json, fm_db_text(rows, i, 0), fm_db_text(rows, i, 1));
        fm_json_put_text(&json, "reason", fm_db_text(rows, i, 2));
        fm_json_put_time(&json, "created_at", fm_db_integer(rows, i, 3));
        fm_json_close(&json, '}');
        printf("%s\n", fm_text_get(&out));
    }
    return true;
}

static bool remove_pause(const struct pause *pause, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    FM_AUTO(fm_text_done) struct fm_text subject = {0}, out = {0};
    struct fm_json_writer json = {.out = &out};
    if (!read_subject(pause, &subject, err)) {
        return false;
    }
    const char *parameters[] = {pause->words[0], fm_text_get(&subject)};
    if (!run_query(pause, fm_sql_pause_remove, parameters, FM_COUNT(parameters), &rows, err)) {
        return false;
    }
    if (fm_db_rows_count(rows) == 0) {
        return fm_fail(err, FM_NOT_FOUND, "%s %s is not paused", pause->words[0], pause->words[1]);
    }
    fm_json_open(&json, NULL, '{');
    put_subject(&json, pause->words[0], fm_text_get(&subject));
    fm_json_put_bool(&json, "removed", true);
    fm_json_close(&json, '}');
    printf("%s\n", fm_text_get(&out));
    return true;
}

static const struct verb {
    const char *name;
    size_t least, most; /* the number of words after the verb */
    bool (*run)(const struct pause *pause, struct fm_error *err);
} verbs[] = {{"add", 2, 3, add_pause}, {"list", 0, 0, list_pauses}, {"remove", 2, 2, remove_pause}};

static const struct verb *find_verb(char **words, size_t count)
{
    for (size_t i = 0; count > 0 && i < FM_COUNT(verbs); i++) {
        if (strcmp(words[0], verbs[i].name) == 0 && count - 1 >= verbs[i].least &&
            count - 1 <= verbs[i].most) {
            return &verbs[i];
        }
    }
    return NULL;
}

bool fm_pause_run(const struct fm_broker_settings *settings, char **words, size_t count,
                  struct fm_error *err)
{
    const struct verb *verb = find_verb(words, count);
    if (!verb) {
        return fm_fail(err, FM_INVALID_REQUEST, "no such command; --help lists them");
    }
    struct pause pause = {.words = words + 1, .count = count - 1};
    bool ok = fm_db_open(settings->database_url, FM_DB_ADMIN, fm_clock_ms() + PATIENCE_MS,
                         &pause.db, err) &&
              verb->run(&pause, err);
    fflush(stdout);
    fm_db_close(&pause.db);
    return ok;
}
