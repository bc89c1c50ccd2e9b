/* HTTP ranges and entity tags. */
#include "broker/http/range.h"

#include <string.h>
#include <strings.h>

#include "common/text.h"

/* Decimal digits from `*at` on, which moves behind them; -1 when there are none, saturating. */
static int64_t parse_number(const char **at)
{
    int64_t value = -1;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        int64_t digit = **at - '0';
        value = value < 0 ? 0 : value;
        value = value > (INT64_MAX - digit) / 10 ? INT64_MAX : value * 10 + digit;
    }
    return value;
}

static enum fm_range cut_range(int64_t first, int64_t last, int64_t size, int64_t *offset,
                               int64_t *length)
{
    if (first < 0) { /* "-n": the last n bytes */
        first = last >= size ? 0 : size - last;
        last = last == 0 ? -1 : size - 1;
    } else if (last < 0 || last >= size) {
        last = size - 1;
    }
    if (first >= size || last < first) {
        return FM_RANGE_UNSATISFIABLE;
    }
    *offset = first;
    *length = last - first + 1;
    return FM_RANGE_PART;
}

enum fm_range fm_range_parse(const char *header, int64_t size_bytes, int64_t *offset,
                             int64_t *length)
{
    *offset = 0;
    *length = size_bytes;
    if (header == NULL || strncasecmp(header, "bytes=", 6) != 0) {
        return FM_RANGE_WHOLE;
    }
    const char *at = header + 6;
    int64_t first = parse_number(&at);
    bool is_pair = *at == '-';
    at += is_pair ? 1 : 0;
    int64_t last = parse_number(&at);
    bool is_understood = is_pair && *at == '\0' && (first >= 0 || last >= 0) &&
                         (first < 0 || last < 0 || first <= last);
    return is_understood ? cut_range(first, last, size_bytes, offset, length) : FM_RANGE_WHOLE;
}

bool fm_range_tag_matches(const char *list, const char *tag)
{
    size_t length = strlen(tag);
    while (*list != '\0') {
        list += strspn(list, ", \t");
        if (*list == '*') {
            return true;
        }
        list += strncmp(list, "W/", 2) == 0 ? 2 : 0;
        size_t word = strcspn(list, ", \t");
        if (word == length && strncmp(list, tag, length) == 0) {
            return true;
        }
        list += word;
    }
    return false;
}
