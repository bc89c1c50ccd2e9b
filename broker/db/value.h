/* Appends values in PostgreSQL's binary form (network byte order), for rows of a COPY and for
 * arrays. Private to broker/db/. */
#ifndef FM_BROKER_DB_VALUE_H
#define FM_BROKER_DB_VALUE_H

#include "common/id.h"
#include "common/text.h"

/* The low `bytes` bytes of a number, without a length before them. */
void fm_db_value_raw(struct fm_text *out, uint64_t value, unsigned bytes);
/* These append a 4-byte length first; NULL is the length -1. */
void fm_db_value_number(struct fm_text *out, int64_t value, unsigned bytes);
void fm_db_value_bytes(struct fm_text *out, const void *data, size_t length);
void fm_db_value_time(struct fm_text *out, int64_t wall_us);
void fm_db_value_null(struct fm_text *out);

#endif
