/* Reads and creates the secret files. The memory of every text that held a secret is overwritten
 * before it is freed. See secrets.h. */
#include "broker/config/secrets.h"

#include <czmq.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"

#define SECRET_LIMIT 256 /* bytes of a file */
#define Z85_LENGTH 40    /* characters of a CURVE key (ZeroMQ RFC 32) */

/* One file per secret, with the content `id hex`. The id lets stored data name the secret it was
 * made with, so that a later secret can be used beside it. */
struct row {
    const char *file;
    size_t offset;
    size_t id_offset; /* 0: none */
};

static const struct row rows[] = {
    {"key_pepper", offsetof(struct fm_secrets, pepper), offsetof(struct fm_secrets, pepper_id)},
    {"url_key", offsetof(struct fm_secrets, url_key), offsetof(struct fm_secrets, url_key_id)},
    {"box_key", offsetof(struct fm_secrets, box_key), 0},
};
static const char curve_file[] = "curve_key";

static void path_of(const char *directory, const char *file, struct fm_text *path)
{
    fm_text_format(path, "%s/%s", directory, file);
}

static bool exists(const char *directory, const char *file)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    path_of(directory, file, &path);
    return access(fm_text_get(&path), F_OK) == 0;
}

static bool is_private(const char *path, struct fm_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return fm_fail(err, FM_SETTING, "secret %s: %s", path, strerror(errno));
    }
    return (status.st_mode & 077) == 0 ||
           fm_fail(err, FM_SETTING, "secret %s: readable by others; chmod 0600", path);
}

static bool read_secret(const char *directory, const char *file, struct fm_text *text,
                        struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    path_of(directory, file, &path);
    return is_private(fm_text_get(&path), err) &&
           fm_file_read(fm_text_get(&path), SECRET_LIMIT, text, err);
}

static bool write_secret(const char *directory, const char *file, const struct fm_text *text,
                         struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    path_of(directory, file, &path);
    return fm_file_write(fm_text_get(&path), 0600, (struct fm_slice){text->data, text->length},
                         err);
}

static void wipe(struct fm_text *text)
{
    if (text->data) {
        sodium_memzero(text->data, text->capacity);
    }
    fm_text_done(text);
}

/* ---- the keys of FM_HASH_SIZE ---- */

static bool key_make(const char *directory, const struct row *row, struct fm_error *err)
{
    uint8_t key[FM_HASH_SIZE];
    char hex[FM_HASH_HEX_SIZE];
    FM_AUTO(wipe) struct fm_text text = {0};
    fm_hash_random(key, sizeof key);
    fm_hash_to_hex(key, sizeof key, hex);
    fm_text_format(&text, "1 %s\n", hex);
    sodium_memzero(key, sizeof key);
    sodium_memzero(hex, sizeof hex);
    return write_secret(directory, row->file, &text, err);
}

static bool key_load(const char *directory, const struct row *row, struct fm_secrets *secrets,
                     struct fm_error *err)
{
    FM_AUTO(wipe) struct fm_text text = {0};
    char hex[FM_HASH_HEX_SIZE] = "";
    uint16_t id = 0;
    if (!read_secret(directory, row->file, &text, err)) {
        return false;
    }
    bool ok = sscanf(fm_text_get(&text), "%hu %64[0-9a-f]", &id, hex) == 2 &&
              fm_hash_from_hex(hex, (uint8_t *)secrets + row->offset, FM_HASH_SIZE);
    sodium_memzero(hex, sizeof hex);
    if (ok && row->id_offset) {
        memcpy((uint8_t *)secrets + row->id_offset, &id, sizeof id);
    }
    return ok || fm_fail(err, FM_SETTING, "secret %s: malformed", row->file);
}

/* ---- the link's key pair: `public secret` in Z85 ---- */

static bool curve_make(const char *directory, struct fm_error *err)
{
    /* libzmq's own call: a zcert is freed with the secret still in it. */
    char public_key[Z85_LENGTH + 1], secret_key[Z85_LENGTH + 1];
    FM_AUTO(wipe) struct fm_text text = {0};
    if (zmq_curve_keypair(public_key, secret_key) != 0) {
        return fm_fail(err, FM_SYSTEM, "curve: %s", zmq_strerror(errno));
    }
    fm_text_format(&text, "%s %s\n", public_key, secret_key);
    sodium_memzero(secret_key, sizeof secret_key);
    return write_secret(directory, curve_file, &text, err);
}

static bool curve_load(const char *directory, struct fm_secrets *secrets, struct fm_error *err)
{
    FM_AUTO(wipe) struct fm_text text = {0};
    if (!read_secret(directory, curve_file, &text, err)) {
        return false;
    }
    char public_key[Z85_LENGTH + 1]; /* derived from the secret key: the two must match */
    bool ok = sscanf(fm_text_get(&text), "%40s %40s", secrets->curve_public,
                     secrets->curve_secret) == 2 &&
              strlen(secrets->curve_secret) == Z85_LENGTH &&
              zmq_curve_public(public_key, secrets->curve_secret) == 0 &&
              strcmp(public_key, secrets->curve_public) == 0;
    return ok || fm_fail(err, FM_SETTING, "secret %s: malformed", curve_file);
}

/* ---- all of them ---- */

/* Fails if some files exist but not all: the installation is damaged, and with newly made secrets
 * no existing API key would work any more. */
static bool all_or_none(const char *directory, bool *none, struct fm_error *err)
{
    size_t there = exists(directory, curve_file);
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        there += exists(directory, rows[i].file);
    }
    *none = there == 0;
    return there == 0 || there == FM_COUNT(rows) + 1 ||
           fm_fail(err, FM_SETTING,
                   "secrets: files are missing in %s; restore them from the backup", directory);
}

static bool make_all(const char *directory, struct fm_error *err)
{
    bool ok = fm_file_make_dirs(directory, 0700, err) && curve_make(directory, err);
    for (size_t i = 0; ok && i < FM_COUNT(rows); i++) {
        ok = key_make(directory, &rows[i], err);
    }
    return ok;
}

bool fm_secrets_load(const char *directory, struct fm_secrets *secrets, struct fm_error *err)
{
    bool none;
    if (!all_or_none(directory, &none, err) || (none && !make_all(directory, err))) {
        return false;
    }
    bool ok = curve_load(directory, secrets, err);
    for (size_t i = 0; ok && i < FM_COUNT(rows); i++) {
        ok = key_load(directory, &rows[i], secrets, err);
    }
    return ok;
}

/* An HMAC of a fixed label, keyed with a hash of the secrets: it reveals nothing about them. */
void fm_secrets_check(const struct fm_secrets *secrets, uint8_t out[FM_HASH_SIZE])
{
    static const char label[] = "fetchmedia secrets check";
    uint8_t key[FM_HASH_SIZE];
    FM_AUTO(wipe) struct fm_text all = {0};
    fm_text_append_bytes(&all, secrets->pepper, FM_HASH_SIZE);
    fm_text_append_bytes(&all, secrets->url_key, FM_HASH_SIZE);
    fm_text_append_bytes(&all, secrets->box_key, FM_HASH_SIZE);
    fm_text_append(&all, secrets->curve_secret);
    fm_hash_sha256(all.data, all.length, key);
    fm_hash_hmac(key, label, sizeof label, out);
    sodium_memzero(key, sizeof key);
}

void fm_secrets_done(struct fm_secrets *secrets)
{
    sodium_memzero(secrets, sizeof *secrets);
}
