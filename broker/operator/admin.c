/* One small function for each command, and a table of them: see admin.h. */
#include "broker/operator/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/account/pause.h"
#include "broker/db/db.h"
#include "broker/db/migrate.h"
#include "broker/db/reader.h"
#include "broker/request/auth.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/scope.h"
#include "sql/sql.h"

#define PATIENCE_MS 30000 /* for connecting, and for each statement */
#define PASSWORD_BYTES 15 /* of randomness: 120 bits, 20 characters of base64url */
#define DEFAULT_KEY_DAYS "90"

const char fm_admin_usage[] =
    "  migrate                                   bring the database's schema up to date\n"
    "  openapi                                   print the API's description, as /openapi.json\n"
    "  account create NAME EMAIL [operator]      password: FETCHMEDIA_PASSWORD, else a random one\n"
    "  account list\n"
    "  key create ACCOUNT NAME SCOPES [DAYS]     SCOPES: separated by commas; DAYS 0: no "
    "expiry\n"
#define FM_SCOPE(name, bit, text, prose) "      " text ": " prose "\n"
#include "common/scope.def"
#undef FM_SCOPE
    "  key list | key revoke KEY\n"
    "  node add NAME PUBLIC_KEY                  prints the broker's public key\n"
    "  node list [NAME] | node revoke NAME\n"
    "  pause add site|pool|account SUBJECT [REASON]   jobs of SUBJECT are not started\n"
    "  pause list | pause remove site|pool|account SUBJECT\n";

/* One command under way. */
struct admin {
    const struct fm_broker_settings *settings;
    const struct fm_secrets *secrets;
    struct fm_db *db;
    char **words; /* the arguments, after the command's two words */
    size_t count;
    struct fm_text out;
    struct fm_json_writer json;
};

static bool run_query(struct admin *admin, const char *sql, const char *const *parameters,
                      size_t count, struct fm_db_rows **rows, struct fm_error *err)
{
    return fm_db_run(admin->db, sql, parameters, count, fm_clock_ms() + PATIENCE_MS, rows, err);
}

/* An argument, or "" if an optional one was left out. */
static const char *word(const struct admin *admin, size_t index)
{
    return index < admin->count ? admin->words[index] : "";
}

static void begin(struct admin *admin)
{
    fm_text_clear(&admin->out);
    admin->json = (struct fm_json_writer){.out = &admin->out};
    fm_json_open(&admin->json, NULL, '{');
}

static void print(struct admin *admin)
{
    fm_json_close(&admin->json, '}');
    printf("%s\n", fm_text_get(&admin->out));
    fflush(stdout);
}

static void put_id(struct admin *admin, const char *name, enum fm_id_kind kind, struct fm_id id)
{
    char text[FM_ID_TEXT_SIZE];
    fm_id_format(kind, &id, text);
    fm_json_put_text(&admin->json, name, text);
}

/* ---- account ---- */

/* The operator's password, or one that is made in `made`, which stays "" otherwise. */
static const char *password(char made[PASSWORD_BYTES * 2])
{
    const char *given = getenv("FETCHMEDIA_PASSWORD");
    if (given && *given) {
        return given;
    }
    uint8_t bytes[PASSWORD_BYTES];
    fm_hash_random(bytes, sizeof bytes);
    fm_hash_to_base64url(bytes, sizeof bytes, made);
    return made;
}

static bool account_create(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    char made[PASSWORD_BYTES * 2] = "", stored[FM_HASH_PASSWORD_SIZE], uuid[FM_ID_UUID_SIZE];
    struct fm_id id = fm_id_new();
    bool is_operator = strcmp(word(admin, 2), "operator") == 0;
    const char *secret = password(made);
    const char *at = strchr(word(admin, 1), '@');
    if (*word(admin, 0) == '\0' || at == NULL || at == word(admin, 1) || at[1] == '\0') {
        return fm_fail(err, FM_INVALID_REQUEST,
                       "NAME must not be empty, and EMAIL must be like a@b");
    }
    if (strlen(secret) < 12 || strlen(secret) > 1024) {
        return fm_fail(err, FM_INVALID_REQUEST, "a password must have 12 to 1,024 bytes");
    }
    fm_hash_password(secret, stored);
    fm_id_to_uuid(&id, uuid);
    const char *parameters[] = {
        uuid,   word(admin, 0),          word(admin, 1),
        stored, is_operator ? "t" : "f", is_operator ? "production" : "trial"};
    if (!run_query(admin, fm_sql_account_add, parameters, FM_COUNT(parameters), &rows, err)) {
        return false;
    }
    if (fm_db_rows_count(rows) == 0) {
        return fm_fail(err, FM_ALREADY_EXISTS, "account %s exists", word(admin, 1));
    }
    begin(admin);
    put_id(admin, "id", FM_ID_ACCOUNT, id);
    fm_json_put_text(&admin->json, "email", word(admin, 1));
    fm_json_put_bool(&admin->json, "operator", is_operator);
    fm_json_put_text(&admin->json, "password", made[0] ? made : NULL);
    print(admin);
    return true;
}

static bool account_list(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    if (!run_query(admin, fm_sql_account_list, NULL, 0, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < fm_db_rows_count(rows); i++) {
        begin(admin);
        put_id(admin, "id", FM_ID_ACCOUNT, fm_db_id(rows, i, 0));
        fm_json_put_text(&admin->json, "name", fm_db_text(rows, i, 1));
        fm_json_put_text(&admin->json, "email", fm_db_text(rows, i, 2));
        fm_json_put_bool(&admin->json, "operator", fm_db_bool(rows, i, 3));
        fm_json_put_text(&admin->json, "plan", fm_db_text(rows, i, 4));
        print(admin);
    }
    return true;
}

/* ---- key ---- */

/* `*days` NULL: the key never expires. */
static bool parse_days(const char *text, const char **days, struct fm_error *err)
{
    uint64_t number;
    *days = *text ? text : DEFAULT_KEY_DAYS;
    if (!fm_text_to_u64(*days, 0, 36500, &number)) {
        return fm_fail(err, FM_INVALID_REQUEST,
                       "DAYS must be a number up to 36500; 0: the key does not expire");
    }
    if (number == 0) {
        *days = NULL;
    }
    return true;
}

static void print_key(struct admin *admin, struct fm_id id, const char *key, unsigned scopes,
                      int64_t expires_at_us)
{
    begin(admin);
    put_id(admin, "id", FM_ID_KEY, id);
    fm_json_put_text(&admin->json, "api_key", key);
    fm_scope_put(&admin->json, scopes);
    fm_json_put_time(&admin->json, "expires_at", expires_at_us);
    print(admin);
}

/* Only the key's digest goes to the database; its text is printed once and then lost. */
static bool key_create(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    struct fm_id account, id = fm_id_new();
    unsigned scopes;
    const char *days;
    if (!fm_id_parse(FM_ID_ACCOUNT, word(admin, 0), &account)) {
        return fm_fail(err, FM_INVALID_REQUEST, "ACCOUNT must be an id such as acct_…");
    }
    if (!fm_scope_parse(word(admin, 2), &scopes, err) || !parse_days(word(admin, 3), &days, err)) {
        return false;
    }
    char key[FM_KEY_SIZE], last4[FM_AUTH_LAST_SIZE], hex[2 + FM_HASH_HEX_SIZE] = "\\x";
    char uuid[FM_ID_UUID_SIZE], owner[FM_ID_UUID_SIZE], pepper[8], bits[8];
    uint8_t digest[FM_HASH_SIZE];
    fm_key_new(key);
    fm_auth_key_digest(admin->secrets, key, digest);
    fm_auth_key_last4(key, last4);
    fm_hash_to_hex(digest, sizeof digest, hex + 2);
    fm_id_to_uuid(&id, uuid);
    fm_id_to_uuid(&account, owner);
    snprintf(pepper, sizeof pepper, "%u", admin->secrets->pepper_id);
    snprintf(bits, sizeof bits, "%u", scopes);
    bool is_operators = (scopes & FM_SCOPE_OPERATOR) != 0;
    const char *parameters[] = {uuid, owner, word(admin, 1),          hex, pepper, last4,
                                bits, days,  is_operators ? "t" : "f"};
    if (!run_query(admin, fm_sql_key_add, parameters, FM_COUNT(parameters), &rows, err)) {
        return false;
    }
    if (fm_db_rows_count(rows) == 0) {
        return fm_fail(err, FM_NOT_FOUND, "no account %s%s", word(admin, 0),
                       is_operators ? " of an operator, as the scope operator needs" : "");
    }
    print_key(admin, id, key, scopes, fm_db_integer(rows, 0, 1));
    return true;
}

static bool key_list(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    if (!run_query(admin, fm_sql_key_list, NULL, 0, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < fm_db_rows_count(rows); i++) {
        begin(admin);
        put_id(admin, "id", FM_ID_KEY, fm_db_id(rows, i, 0));
        put_id(admin, "account", FM_ID_ACCOUNT, fm_db_id(rows, i, 1));
        fm_json_put_text(&admin->json, "name", fm_db_text(rows, i, 2));
        fm_json_put_text(&admin->json, "last4", fm_db_text(rows, i, 3));
        fm_scope_put(&admin->json, (unsigned)fm_db_integer(rows, i, 4));
        fm_json_put_time(&admin->json, "expires_at", fm_db_integer(rows, i, 5));
        fm_json_put_bool(&admin->json, "revoked", fm_db_bool(rows, i, 6));
        print(admin);
    }
    return true;
}

static bool key_revoke(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    struct fm_id id;
    char uuid[FM_ID_UUID_SIZE];
    if (!fm_id_parse(FM_ID_KEY, word(admin, 0), &id)) {
        return fm_fail(err, FM_INVALID_REQUEST, "KEY must be an id such as key_…");
    }
    fm_id_to_uuid(&id, uuid);
    const char *parameters[] = {uuid};
    if (!run_query(admin, fm_sql_key_revoke, parameters, 1, &rows, err)) {
        return false;
    }
    if (fm_db_rows_count(rows) == 0) {
        return fm_fail(err, FM_NOT_FOUND, "no key %s", word(admin, 0));
    }
    begin(admin);
    put_id(admin, "id", FM_ID_KEY, id);
    fm_json_put_bool(&admin->json, "revoked", true);
    print(admin);
    return true;
}

/* ---- node ---- */

/* Prints the broker's public key as well: the new worker needs it to connect. */
static bool node_add(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    struct fm_id id = fm_id_new();
    char uuid[FM_ID_UUID_SIZE];
    if (strlen(word(admin, 1)) != 40 || strlen(word(admin, 0)) > 64 || !*word(admin, 0)) {
        return fm_fail(err, FM_INVALID_REQUEST, "NAME must have 1 to 64 bytes, PUBLIC_KEY 40");
    }
    fm_id_to_uuid(&id, uuid);
    const char *parameters[] = {uuid, word(admin, 0), word(admin, 1)};
    if (!run_query(admin, fm_sql_node_add, parameters, FM_COUNT(parameters), &rows, err)) {
        return false;
    }
    if (fm_db_rows_count(rows) == 0) {
        return fm_fail(err, FM_ALREADY_EXISTS,
                       "node %s: the name or the key is already in use, or was revoked",
                       word(admin, 0));
    }
    begin(admin);
    put_id(admin, "id", FM_ID_NODE, fm_db_id(rows, 0, 0));
    fm_json_put_text(&admin->json, "name", word(admin, 0));
    fm_json_put_text(&admin->json, "broker_public_key", admin->secrets->curve_public);
    print(admin);
    return true;
}

static bool node_list(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    if (!run_query(admin, fm_sql_node_list, NULL, 0, &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < fm_db_rows_count(rows); i++) {
        if (*word(admin, 0) && strcmp(word(admin, 0), fm_db_text(rows, i, 1)) != 0) {
            continue;
        }
        begin(admin);
        put_id(admin, "id", FM_ID_NODE, fm_db_id(rows, i, 0));
        fm_json_put_text(&admin->json, "name", fm_db_text(rows, i, 1));
        fm_json_put_text(&admin->json, "public_key", fm_db_text(rows, i, 2));
        fm_json_put_text(&admin->json, "state", fm_db_text(rows, i, 3));
        fm_json_put_integer(&admin->json, "sessions", fm_db_integer(rows, i, 4));
        print(admin);
    }
    return true;
}

static bool node_revoke(struct admin *admin, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    const char *parameters[] = {word(admin, 0)};
    if (!run_query(admin, fm_sql_node_revoke, parameters, 1, &rows, err)) {
        return false;
    }
    if (fm_db_rows_count(rows) == 0) {
        return fm_fail(err, FM_NOT_FOUND, "no node %s", word(admin, 0));
    }
    begin(admin);
    fm_json_put_text(&admin->json, "name", word(admin, 0));
    fm_json_put_text(&admin->json, "state", "revoked");
    print(admin);
    return true;
}

/* ---- the table of commands ---- */

static const struct command {
    const char *noun, *verb;
    size_t least, most; /* the number of arguments */
    bool (*run)(struct admin *admin, struct fm_error *err);
} commands[] = {
    {"account", "create", 2, 3, account_create}, {"account", "list", 0, 0, account_list},
    {"key", "create", 3, 4, key_create},         {"key", "list", 0, 0, key_list},
    {"key", "revoke", 1, 1, key_revoke},         {"node", "add", 2, 2, node_add},
    {"node", "list", 0, 1, node_list},           {"node", "revoke", 1, 1, node_revoke},
};

static bool migrate(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                    struct fm_error *err)
{
    unsigned applied;
    uint8_t digest[FM_HASH_SIZE];
    fm_secrets_check(secrets, digest);
    if (!fm_migrate_run(settings->database_url, &applied, err) ||
        !fm_migrate_check_secrets(settings->database_url, digest, err)) {
        return false;
    }
    printf("{\"applied\":%u}\n", applied);
    return true;
}

/* NULL if there is no such command, or if it does not take that many arguments. */
static const struct command *find_command(char **words, size_t count)
{
    for (size_t i = 0; count >= 2 && i < FM_COUNT(commands); i++) {
        if (strcmp(words[0], commands[i].noun) == 0 && strcmp(words[1], commands[i].verb) == 0 &&
            count - 2 >= commands[i].least && count - 2 <= commands[i].most) {
            return &commands[i];
        }
    }
    return NULL;
}

static bool is_migrate(char **words, size_t count)
{
    return count == 1 && strcmp(words[0], "migrate") == 0;
}

static bool is_pause(char **words, size_t count)
{
    return count > 0 && strcmp(words[0], "pause") == 0;
}

bool fm_admin_check(char **words, size_t count, struct fm_error *err)
{
    return is_migrate(words, count) || is_pause(words, count) || find_command(words, count) ||
           fm_fail(err, FM_INVALID_REQUEST, "no such command; --help lists them");
}

bool fm_admin_run(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                  char **words, size_t count, struct fm_error *err)
{
    if (is_migrate(words, count)) {
        return migrate(settings, secrets, err);
    }
    if (is_pause(words, count)) {
        return fm_pause_run(settings, words + 1, count - 1, err);
    }
    const struct command *command = find_command(words, count);
    struct admin admin = {
        .settings = settings, .secrets = secrets, .words = words + 2, .count = count - 2};
    bool ok = fm_db_open(settings->database_url, FM_DB_ADMIN, fm_clock_ms() + PATIENCE_MS,
                         &admin.db, err) &&
              command->run(&admin, err);
    fm_text_done(&admin.out);
    fm_db_close(&admin.db);
    return ok;
}
