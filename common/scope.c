/* The rows of scope.def as a table, and look-ups in it. */
#include "common/scope.h"

#include <string.h>

#include "common/memory.h"

const struct fm_scope_row fm_scopes[FM_SCOPE_COUNT] = {
#define FM_SCOPE(name, bit, text, prose) {bit, text, prose},
#include "common/scope.def"
#undef FM_SCOPE
};

const char *fm_scope_name(unsigned scopes)
{
    for (size_t i = 0; i < FM_SCOPE_COUNT; i++) {
        if ((scopes & fm_scopes[i].bit) != 0) {
            return fm_scopes[i].name;
        }
    }
    return "";
}

void fm_scope_format(unsigned scopes, const char *between, struct fm_text *out)
{
    bool is_first = true;
    for (size_t i = 0; i < FM_SCOPE_COUNT; i++) {
        if ((scopes & fm_scopes[i].bit) != 0) {
            fm_text_format(out, "%s%s", is_first ? "" : between, fm_scopes[i].name);
            is_first = false;
        }
    }
}

void fm_scope_put(struct fm_json_writer *json, unsigned scopes)
{
    fm_json_open(json, "scopes", '[');
    for (size_t i = 0; i < FM_SCOPE_COUNT; i++) {
        if ((scopes & fm_scopes[i].bit) != 0) {
            fm_json_put_text(json, NULL, fm_scopes[i].name);
        }
    }
    fm_json_close(json, ']');
}

static unsigned find_bit(struct fm_slice name)
{
    for (size_t i = 0; i < FM_SCOPE_COUNT; i++) {
        if (fm_slice_equals(name, fm_scopes[i].name)) {
            return fm_scopes[i].bit;
        }
    }
    return 0;
}

static bool refuse_name(struct fm_slice name, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text known = {0};
    fm_scope_format(~0u, ", ", &known);
    return fm_fail(err, FM_INVALID_REQUEST, "there is no scope \"%.*s\"; the scopes are %s",
                   (int)name.length, name.data, fm_text_get(&known));
}

bool fm_scope_parse(const char *text, unsigned *scopes, struct fm_error *err)
{
    unsigned all = 0;
    const char *at = text;
    for (bool has_more = true; has_more;) {
        struct fm_slice name = {at, strcspn(at, ",")};
        unsigned bit = find_bit(name);
        if (bit == 0) {
            return refuse_name(name, err);
        }
        all |= bit;
        has_more = at[name.length] == ',';
        at += name.length + 1;
    }
    *scopes = all;
    return true;
}

bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err)
{
    unsigned missing = needs & ~has;
    return missing == 0 ||
           fm_fail_param(err, FM_INSUFFICIENT_SCOPE, NULL,
                         "This needs an API key with the scope %s", fm_scope_name(missing));
}
