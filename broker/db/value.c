#include "broker/db/value.h"

#define EPOCH_US INT64_C(946684800000000) /* 2000-01-01 in microseconds since 1970 */

void fm_db_value_raw(struct fm_text *out, uint64_t value, unsigned bytes)
{
    char wire[8];
    for (unsigned i = 0; i < bytes; i++) {
        wire[i] = (char)(value >> (8 * (bytes - 1 - i)));
    }
    fm_text_append_bytes(out, wire, bytes);
}

void fm_db_value_number(struct fm_text *out, int64_t value, unsigned bytes)
{
    fm_db_value_raw(out, bytes, 4);
    fm_db_value_raw(out, (uint64_t)value, bytes);
}

void fm_db_value_bytes(struct fm_text *out, const void *data, size_t length)
{
    fm_db_value_raw(out, length, 4);
    fm_text_append_bytes(out, data, length);
}

void fm_db_value_time(struct fm_text *out, int64_t wall_us)
{
    fm_db_value_number(out, wall_us - EPOCH_US, 8);
}

void fm_db_value_null(struct fm_text *out)
{
    fm_db_value_raw(out, UINT32_MAX, 4);
}
