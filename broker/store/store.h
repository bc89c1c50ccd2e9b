/*
 * Where delivered bytes live, behind one small interface; the local directory is the back-end here
 * (S3 fits the same). Keys are account/job/lease/name. Threads: any.
 */
#ifndef FM_BROKER_STORE_STORE_H
#define FM_BROKER_STORE_STORE_H

#include "broker/store/signed_url.h"

struct fm_store;
/* A PUT under way: bytes are hashed as they come and stand under their key only after finish. */
struct fm_store_put;

/* The directory (0700) is made; another store's marker in it is SETTING. */
bool fm_store_new_local(const char *directory, struct fm_store **store,
                        struct fm_error *err) FM_MUST_CHECK;
void fm_store_destroy(struct fm_store **store);

bool fm_store_put_start(struct fm_store *store, const struct fm_store_object *object,
                        struct fm_store_put **put, struct fm_error *err) FM_MUST_CHECK;
bool fm_store_put_write(struct fm_store_put *put, const void *bytes, size_t length,
                        struct fm_error *err) FM_MUST_CHECK;
/* Size and sha256 must be those granted; fsync, rename, fsync of the directory. Ends the put either
 * way. */
bool fm_store_put_finish(struct fm_store_put **put, struct fm_error *err) FM_MUST_CHECK;
/* Gives it up; nothing stays. Null-safe. */
void fm_store_put_abort(struct fm_store_put **put);
/* An O_RDONLY descriptor and size; OUTPUT_EXPIRED when it is not there. */
bool fm_store_open(struct fm_store *store, const struct fm_store_object *object, int *fd,
                   int64_t *size_bytes, struct fm_error *err) FM_MUST_CHECK;
bool fm_store_remove(struct fm_store *store, const struct fm_store_object *object,
                     struct fm_error *err) FM_MUST_CHECK;
/* Walks what is stored and older than `age_s`, attempt by attempt (name empty), for retention to
 * judge. What is left of PUTs that were never finished, and as old, goes. */
bool fm_store_walk(struct fm_store *store, int64_t age_s,
                   bool (*visit)(void *context, const struct fm_store_object *attempt),
                   void *context, struct fm_error *err) FM_MUST_CHECK;
/* Removes a whole attempt. */
bool fm_store_remove_attempt(struct fm_store *store, const struct fm_store_object *attempt,
                             struct fm_error *err) FM_MUST_CHECK;

#endif
