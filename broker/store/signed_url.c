#include "broker/store/signed_url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"

#define CLIENT_PREFIX "/v1/files/"
/* Bytes of a token: account, job, lease, until and key id, then the signature. */
#define TOKEN_BODY (16 + 16 + 8 + 8 + 2)
#define TOKEN_SIZE (TOKEN_BODY + 32)
#define TOKEN_TEXT (TOKEN_SIZE * 4 / 3 + 2)
#define STORE_PARTS 4

/* ---- what both kinds share ---- */

static void sign(const struct fm_signed_url *signed_url, const char *what, struct fm_slice bytes,
                 uint8_t out[FM_HASH_SIZE])
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_append(&text, what); /* a signature of one kind is never valid for the other */
    fm_text_append_char(&text, '\n');
    fm_text_append_bytes(&text, bytes.data, bytes.length);
    fm_hash_hmac(signed_url->secrets->url_key, text.data, text.length, out);
}

static bool expired(int64_t until_s, int64_t now_s)
{
    return until_s < now_s;
}

/* ---- URLs of the store ---- */

static void store_path(const struct fm_store_object *object, struct fm_text *out)
{
    char account[FM_ID_TEXT_SIZE], job[FM_ID_TEXT_SIZE], lease[FM_ID_LEASE_SIZE];
    fm_id_format(FM_ID_ACCOUNT, &object->account, account);
    fm_id_format(FM_ID_JOB, &object->job, job);
    fm_id_format_lease(object->lease, lease);
    fm_text_format(out, "%s/%s/%s/%s", account, job, lease, object->name);
}

/* The signed text: the path and all parameters except the signature. */
static void store_signed(const struct fm_signed_url *signed_url,
                         const struct fm_store_object *object, struct fm_text *out)
{
    char hex[FM_HASH_HEX_SIZE];
    fm_hash_to_hex(object->sha256, sizeof object->sha256, hex);
    store_path(object, out);
    fm_text_format(out, "?until=%" PRId64 "&size=%" PRId64 "&sha256=%s&key=%u", object->until_s,
                   object->size_bytes, hex, (unsigned)signed_url->secrets->url_key_id);
}

static void store_signature(const struct fm_signed_url *signed_url,
                            const struct fm_text *signed_text, char out[FM_HASH_HEX_SIZE])
{
    uint8_t mac[FM_HASH_SIZE];
    sign(signed_url, "store-put", (struct fm_slice){signed_text->data, signed_text->length}, mac);
    fm_hash_to_hex(mac, sizeof mac, out);
}

void fm_signed_url_store_put(const struct fm_signed_url *signed_url, struct fm_store_object *object,
                             int64_t now_s, struct fm_text *url)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    char signature[FM_HASH_HEX_SIZE];
    object->until_s = now_s + (int64_t)signed_url->worker_url_seconds;
    store_signed(signed_url, object, &text);
    store_signature(signed_url, &text, signature);
    fm_text_format(url, "%s/store/%s&signature=%s", signed_url->store_origin, fm_text_get(&text),
                   signature);
}

bool fm_signed_url_is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && length <= 64 && name[length] == '\0' && name[0] != '_' && name[0] != '-';
}

static bool parse_lease(const char *text, uint64_t *lease)
{
    uint8_t bytes[8];
    if (strlen(text) != 16 || !fm_hash_from_hex(text, bytes, sizeof bytes)) {
        return false;
    }
    *lease = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        *lease = *lease << 8 | bytes[i];
    }
    return true;
}

static bool parse_path(const char *path, struct fm_store_object *object)
{
    FM_AUTO_FREE char *copy = fm_strdup(path);
    char *parts[STORE_PARTS] = {0};
    char *rest = copy;
    for (size_t i = 0; i < STORE_PARTS; i++) {
        parts[i] = strsep(&rest, "/");
    }
    if (rest || !parts[3] || !fm_signed_url_is_name(parts[3]) ||
        !fm_id_parse(FM_ID_ACCOUNT, parts[0], &object->account) ||
        !fm_id_parse(FM_ID_JOB, parts[1], &object->job) || !parse_lease(parts[2], &object->lease)) {
        return false;
    }
    snprintf(object->name, sizeof object->name, "%s", parts[3]);
    return true;
}

/* Accepts exactly the form that store_signed writes: no other spelling can be ours. */
static bool parse_query(const char *query, struct fm_store_object *object, unsigned *key,
                        char signature[65])
{
    char hex[65] = "";
    int end = -1;
    int got = sscanf(query,
                     "until=%" SCNd64 "&size=%" SCNd64
                     "&sha256=%64[0-9a-f]&key=%u&signature=%64[0-9a-f]%n",
                     &object->until_s, &object->size_bytes, hex, key, signature, &end);
    return got == 5 && end >= 0 && query[end] == '\0' &&
           fm_hash_from_hex(hex, object->sha256, sizeof object->sha256) && object->size_bytes >= 0;
}

bool fm_signed_url_store_check(const struct fm_signed_url *signed_url, const char *path,
                               const char *query, int64_t now_s, struct fm_store_object *object,
                               struct fm_error *err)
{
    *object = (struct fm_store_object){0};
    char given[65] = "", right[FM_HASH_HEX_SIZE];
    unsigned key = 0;
    if (!query || !parse_path(path, object) || !parse_query(query, object, &key, given) ||
        key != signed_url->secrets->url_key_id) {
        return fm_fail(err, FM_SIGNATURE_INVALID, "store: malformed");
    }
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    store_signed(signed_url, object, &text);
    store_signature(signed_url, &text, right);
    if (strlen(given) != strlen(right) || !fm_hash_equal(given, right, strlen(right))) {
        return fm_fail(err, FM_SIGNATURE_INVALID, "store: signature");
    }
    return !expired(object->until_s, now_s) || fm_fail(err, FM_SIGNATURE_EXPIRED, "store: expired");
}

/* ---- URLs for clients ---- */

static void put_number(uint8_t *out, uint64_t value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        out[i] = (uint8_t)(value >> (8 * (length - 1 - i)));
    }
}

static uint64_t get_number(const uint8_t *in, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        value = value << 8 | in[i];
    }
    return value;
}

static void token_signature(const struct fm_signed_url *signed_url, const uint8_t body[TOKEN_BODY],
                            const char *file_name, uint8_t out[FM_HASH_SIZE])
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_append_bytes(&text, body, TOKEN_BODY);
    fm_text_append(&text, file_name);
    sign(signed_url, "client-get", (struct fm_slice){text.data, text.length}, out);
}

static void append_file_name(const struct fm_store_object *object, struct fm_text *out)
{
    fm_text_append(out, object->name);
    if (object->extension[0]) {
        fm_text_format(out, ".%s", object->extension);
    }
}

void fm_signed_url_client_path(const struct fm_signed_url *signed_url,
                               struct fm_store_object *object, int64_t now_s, struct fm_text *path)
{
    int64_t interval = (int64_t)signed_url->client_url_seconds;
    object->until_s = (now_s / interval + 2) * interval;
    uint8_t token[TOKEN_SIZE];
    memcpy(token, object->account.bytes, 16);
    memcpy(token + 16, object->job.bytes, 16);
    put_number(token + 32, object->lease, 8);
    put_number(token + 40, (uint64_t)object->until_s, 8);
    put_number(token + 48, signed_url->secrets->url_key_id, 2);
    FM_AUTO(fm_text_done) struct fm_text file_name = {0};
    append_file_name(object, &file_name);
    token_signature(signed_url, token, fm_text_get(&file_name), token + TOKEN_BODY);
    char text[TOKEN_TEXT];
    fm_hash_to_base64url(token, sizeof token, text);
    fm_text_format(path, CLIENT_PREFIX "%s/%s", text, fm_text_get(&file_name));
}

static bool split_file_name(const char *file_name, struct fm_store_object *object)
{
    const char *dot = strchr(file_name, '.');
    size_t length = dot ? (size_t)(dot - file_name) : strlen(file_name);
    if (length >= sizeof object->name || (dot && strlen(dot + 1) >= sizeof object->extension)) {
        return false;
    }
    memcpy(object->name, file_name, length);
    object->name[length] = '\0';
    snprintf(object->extension, sizeof object->extension, "%s", dot ? dot + 1 : "");
    return fm_signed_url_is_name(object->name) && !strchr(object->extension, '/');
}

bool fm_signed_url_client_check(const struct fm_signed_url *signed_url, const char *token,
                                const char *file_name, int64_t now_s,
                                struct fm_store_object *object, struct fm_error *err)
{
    uint8_t bytes[TOKEN_SIZE], right[FM_HASH_SIZE];
    *object = (struct fm_store_object){0};
    if (strlen(token) >= TOKEN_TEXT ||
        fm_hash_from_base64url(token, bytes, sizeof bytes) != TOKEN_SIZE ||
        !split_file_name(file_name, object)) {
        return fm_fail(err, FM_SIGNATURE_INVALID, "file: malformed");
    }
    token_signature(signed_url, bytes, file_name, right);
    if (!fm_hash_equal(right, bytes + TOKEN_BODY, sizeof right)) {
        return fm_fail(err, FM_SIGNATURE_INVALID, "file: signature");
    }
    memcpy(object->account.bytes, bytes, 16);
    memcpy(object->job.bytes, bytes + 16, 16);
    object->lease = get_number(bytes + 32, 8);
    object->until_s = (int64_t)get_number(bytes + 40, 8);
    return !expired(object->until_s, now_s) || fm_fail(err, FM_SIGNATURE_EXPIRED, "file: expired");
}
