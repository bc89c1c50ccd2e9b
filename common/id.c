/*
 * Makes and spells ids. The 48-bit millisecond and the 12 bits behind it are one rising number (RFC
 * 9562 §6.2, method 1): a second id in the same millisecond takes the next number, and a counter
 * that runs over borrows from the next millisecond. If the clock is set back, the numbers go on
 * from the last one.
 */
#include "common/id.h"

#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/memory.h"

#define BODY_LENGTH 26
#define COUNTER_BITS 12
/* A fresh millisecond starts at a random value in the lower half of the counter, which leaves room
 * to count upwards. */
#define COUNTER_START_MASK 0x7ffU

static const char *const prefixes[] = {
#define X(name, prefix) prefix,
    FM_ID_KINDS(X)
#undef X
};

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Without a lock, so that a child forked at any moment can use it too. */
static uint64_t next_moment(uint64_t random)
{
    static _Atomic uint64_t last;
    uint64_t now = (uint64_t)(fm_clock_wall_us() / 1000) << COUNTER_BITS;
    now |= random & COUNTER_START_MASK;
    uint64_t before = atomic_load(&last);
    uint64_t moment = 0;
    do {
        moment = now > before ? now : before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, moment));
    return moment;
}

/* Puts version 7 and variant 2 into their places (RFC 9562 §4). */
static struct fm_id build_id(uint64_t moment, uint64_t random)
{
    uint64_t high = (moment >> COUNTER_BITS) << 16 | 0x7000 | (moment & 0xfff);
    uint64_t low = UINT64_C(2) << 62 | random >> 2;
    struct fm_id id;
    for (int i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
        id.bytes[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    return id;
}

struct fm_id fm_id_new(void)
{
    uint64_t random[2];
    fm_hash_random(random, sizeof(random));
    return build_id(next_moment(random[0]), random[1]);
}

/* The last 24 bits of a series count. The 38 bits before them are random, and the moment belongs to
 * this one call, so that no other id falls in between. */
struct fm_id fm_id_series_new(void)
{
    struct fm_id id = fm_id_new();
    return fm_id_series_at(&id, 0);
}

struct fm_id fm_id_series_at(const struct fm_id *first, uint32_t index)
{
    struct fm_id id = *first;
    id.bytes[13] = (uint8_t)(index >> 16);
    id.bytes[14] = (uint8_t)(index >> 8);
    id.bytes[15] = (uint8_t)index;
    return id;
}

struct fm_id fm_id_floor(int64_t wall_ms)
{
    uint64_t ms = wall_ms < 0 ? 0 : (uint64_t)wall_ms;
    return build_id(ms << COUNTER_BITS, 0);
}

/* The 5 bits of letter i. 26 letters have 130 bits, so the first letter carries only 3. */
static unsigned letter_bits(const struct fm_id *id, int i)
{
    unsigned value = 0;
    for (int bit = 5 * i - 2; bit < 5 * i + 3; bit++) {
        unsigned one = bit < 0 ? 0 : ((unsigned)id->bytes[bit / 8] >> (7 - bit % 8)) & 1U;
        value = value << 1 | one;
    }
    return value;
}

void fm_id_format(enum fm_id_kind kind, const struct fm_id *id, char out[FM_ID_TEXT_SIZE])
{
    size_t length = strlen(prefixes[kind]);
    memcpy(out, prefixes[kind], length);
    for (int i = 0; i < BODY_LENGTH; i++) {
        out[length++] = alphabet[letter_bits(id, i)];
    }
    out[length] = '\0';
}

/* The inverse of letter_bits; `id` must be zero where the letter goes. */
static void set_letter(struct fm_id *id, int i, unsigned value)
{
    for (int bit = 5 * i + 2; bit >= 0 && bit >= 5 * i - 2; bit--) {
        id->bytes[bit / 8] |= (uint8_t)((value & 1U) << (7 - bit % 8));
        value >>= 1;
    }
}

bool fm_id_parse(enum fm_id_kind kind, const char *text, struct fm_id *id)
{
    size_t prefix = strlen(prefixes[kind]);
    if (strncmp(text, prefixes[kind], prefix) != 0 || strlen(text + prefix) != BODY_LENGTH) {
        return false;
    }
    struct fm_id parsed = {{0}};
    for (int i = 0; i < BODY_LENGTH; i++) {
        const char *letter = strchr(alphabet, text[prefix + (size_t)i]);
        if (letter == NULL || (i == 0 && letter - alphabet > 7)) {
            return false;
        }
        set_letter(&parsed, i, (unsigned)(letter - alphabet));
    }
    *id = parsed;
    return true;
}

void fm_id_to_uuid(const struct fm_id *id, char out[FM_ID_UUID_SIZE])
{
    char hex[33];
    fm_hash_to_hex(id->bytes, sizeof(id->bytes), hex);
    static const int parts[] = {8, 4, 4, 4, 12};
    const char *from = hex;
    for (size_t i = 0; i < FM_COUNT(parts); i++) {
        memcpy(out, from, (size_t)parts[i]);
        from += parts[i];
        out += parts[i];
        *out++ = '-';
    }
    out[-1] = '\0';
}

bool fm_id_from_uuid(const char *text, struct fm_id *id)
{
    char hex[33] = {0};
    size_t length = 0;
    if (strlen(text) != FM_ID_UUID_SIZE - 1) {
        return false;
    }
    for (int i = 0; i < FM_ID_UUID_SIZE - 1; i++) {
        bool is_dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash_place != (text[i] == '-')) {
            return false;
        }
        if (!is_dash_place) {
            hex[length++] = text[i];
        }
    }
    return fm_hash_from_hex(hex, id->bytes, sizeof(id->bytes));
}

int fm_id_compare(const struct fm_id *a, const struct fm_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool fm_id_is_zero(const struct fm_id *id)
{
    static const struct fm_id zero;
    return fm_id_compare(id, &zero) == 0;
}

int64_t fm_id_time_ms(const struct fm_id *id)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | id->bytes[i];
    }
    return ms;
}

uint64_t fm_id_new_lease(void)
{
    uint64_t lease = 0;
    while (lease == 0) {
        fm_hash_random(&lease, sizeof(lease));
    }
    return lease;
}

void fm_id_format_lease(uint64_t lease, char out[FM_ID_LEASE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < FM_ID_LEASE_SIZE - 1; i++) {
        out[i] = digits[(lease >> (60 - 4 * i)) & 0xf];
    }
    out[FM_ID_LEASE_SIZE - 1] = '\0';
}
