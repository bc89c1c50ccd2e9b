/*
 * Ids of jobs, batches, files, keys, accounts, nodes and events: UUIDv7 (RFC 9562 §5.7), shown as a
 * prefix and 26 lower-case Crockford base32 characters. The ids a process makes rise, also within
 * one millisecond, so sorting by id sorts by age.
 * Threads: any.
 */
#ifndef FM_COMMON_ID_H
#define FM_COMMON_ID_H

#include <stdbool.h>
#include <stdint.h>

struct fm_id {
    uint8_t bytes[16];
};

/* The prefix tells a reader what an id names; the database stores the 16 bytes alone. */
#define FM_ID_KINDS(X)                                                                             \
    X(JOB, "job_")                                                                                 \
    X(BATCH, "batch_")                                                                             \
    X(FILE, "file_")                                                                               \
    X(KEY, "key_")                                                                                 \
    X(ACCOUNT, "acct_")                                                                            \
    X(NODE, "node_")                                                                               \
    X(HOOK, "hook_")                                                                               \
    X(EVENT, "evt_")

enum fm_id_kind {
#define X(name, prefix) FM_ID_##name,
    FM_ID_KINDS(X)
#undef X
};

#define FM_ID_TEXT_SIZE 34  /* the longest prefix, 26 characters, NUL */
#define FM_ID_UUID_SIZE 37  /* 32 hex digits, 4 dashes, NUL */
#define FM_ID_LEASE_SIZE 17 /* 16 hex digits, NUL */

struct fm_id fm_id_new(void);
/* Makes a series of FM_ID_SERIES_LIMIT consecutive ids and returns the first. No other id falls
 * between them, so a batch's jobs are a range of ids. */
#define FM_ID_SERIES_LIMIT (1u << 24)
struct fm_id fm_id_series_new(void);
/* The id at `index` (from 0, below FM_ID_SERIES_LIMIT) of the series that starts at `first`. */
struct fm_id fm_id_series_at(const struct fm_id *first, uint32_t index);
void fm_id_format(enum fm_id_kind kind, const struct fm_id *id, char out[FM_ID_TEXT_SIZE]);
/* False for another prefix, length or alphabet (upper case too), and for a value over 128 bits. */
bool fm_id_parse(enum fm_id_kind kind, const char *text, struct fm_id *id);
/* The form with dashes that PostgreSQL reads and writes; reading takes hex in either case. */
void fm_id_to_uuid(const struct fm_id *id, char out[FM_ID_UUID_SIZE]);
bool fm_id_from_uuid(const char *text, struct fm_id *id);
/* Like memcmp: an older id is less. */
int fm_id_compare(const struct fm_id *a, const struct fm_id *b);
bool fm_id_is_zero(const struct fm_id *id);
/* The milliseconds since 1970 that a UUIDv7 carries: when the id was made. */
int64_t fm_id_time_ms(const struct fm_id *id);
/* The smallest UUIDv7 of a millisecond: the bound of a partition or of a search by time. */
struct fm_id fm_id_floor(int64_t wall_ms);

/* A lease is a random number, never 0, that identifies one attempt of a job: reports with an older
 * lease are refused. Shown as 16 hex digits. */
uint64_t fm_id_new_lease(void);
void fm_id_format_lease(uint64_t lease, char out[FM_ID_LEASE_SIZE]);

#endif
