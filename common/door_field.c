/*
 * Two lists of header names: the fields the door sets itself, and those that may follow a redirect.
 */
#include "common/door_field.h"

#include <string.h>

#include "common/memory.h"
#include "common/text.h"

static const char *const own[] = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "proxy-authorization",
    "transfer-encoding",
    "upgrade",
};

/* A list of what may travel and not of what may not: an API key can be in any header. */
static const char *const travelling[] = {
    "accept", "accept-language", "if-range", "range", "referer", "sec-fetch-mode", "user-agent",
};

static bool is_listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (fm_text_equals_fold(names[i], name)) {
            return true;
        }
    }
    return false;
}

bool fm_door_field_is_sound(const struct fm_door_header *field)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (field->name[0] == '\0' || field->name[strspn(field->name, token)] != '\0') {
        return false;
    }
    for (const char *at = field->value; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

bool fm_door_field_is_own(const struct fm_door_header *field)
{
    return is_listed(own, FM_COUNT(own), field->name);
}

bool fm_door_field_may_travel(const struct fm_door_header *field)
{
    return is_listed(travelling, FM_COUNT(travelling), field->name);
}
