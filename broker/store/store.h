/*
 * Stores the outputs that workers upload, behind an interface that does not depend on where the
 * bytes are; local.c keeps them in a directory. Keys are account/job/lease/name. It checks size and
 * digest, never a signature: that is signed_url.h's. All calls block on the disk.
 * Before: signed_url (the object). Threads: any; a put belongs to one thread at a time.
 */
#ifndef FM_BROKER_STORE_STORE_H
#define FM_BROKER_STORE_STORE_H

#include "broker/store/signed_url.h"

struct fm_store;
/* A PUT under way: bytes are hashed as they come, and are visible under their key only after
 * fm_store_put_finish. */
struct fm_store_put;

/* Opens the directory, and makes it (0700) and its marker file if they are missing. */
bool fm_store_new_local(const char *directory, struct fm_store **store,
                        struct fm_error *err) FM_MUST_CHECK;
void fm_store_destroy(struct fm_store **store);

bool fm_store_put_start(struct fm_store *store, const struct fm_store_object *object,
                        struct fm_store_put **put, struct fm_error *err) FM_MUST_CHECK;
bool fm_store_put_write(struct fm_store_put *put, const void *bytes, size_t length,
                        struct fm_error *err) FM_MUST_CHECK;
/* Size and sha256 must be those that the signed URL names. On success the bytes are durable: fsync,
 * rename, fsync of the directories. Ends the put in any case. */
bool fm_store_put_finish(struct fm_store_put **put, struct fm_error *err) FM_MUST_CHECK;
/* Drops the put and its bytes. Null-safe. */
void fm_store_put_abort(struct fm_store_put **put);
/* A read-only descriptor, owned by the caller, and the size. OUTPUT_EXPIRED when there is no such
 * object. */
bool fm_store_open(struct fm_store *store, const struct fm_store_object *object, int *fd,
                   int64_t *size_bytes, struct fm_error *err) FM_MUST_CHECK;
bool fm_store_remove(struct fm_store *store, const struct fm_store_object *object,
                     struct fm_error *err) FM_MUST_CHECK;
/* Calls `visit` for each attempt (an object without a name) older than `age_s`, so that retention
 * can judge it; false from `visit` ends the walk. Also removes the remains of unfinished PUTs that
 * are as old. */
bool fm_store_walk(struct fm_store *store, int64_t age_s,
                   bool (*visit)(void *context, const struct fm_store_object *attempt),
                   void *context, struct fm_error *err) FM_MUST_CHECK;
/* Removes all objects of an attempt, and the directories above it that became empty. */
bool fm_store_remove_attempt(struct fm_store *store, const struct fm_store_object *attempt,
                             struct fm_error *err) FM_MUST_CHECK;

#endif
