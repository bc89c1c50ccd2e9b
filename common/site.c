/* The rows of site.def as a table, looked up by name and by host. */
#include "common/site.h"

#include <assert.h>
#include <string.h>

struct row {
    const char *name;
    const char *hosts;
};

static const struct row rows[FM_SITE_COUNT] = {
#define FM_SITE(name, text, hosts) {text, hosts},
#include "common/site.def"
#undef FM_SITE
};

const char *fm_site_name(enum fm_site site)
{
    assert(site < FM_SITE_COUNT);
    return rows[site].name;
}

bool fm_site_by_name(const char *name, enum fm_site *site)
{
    for (int i = 0; i < FM_SITE_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *site = (enum fm_site)i;
            return true;
        }
    }
    return false;
}

/* True for the domain itself and for a name that ends in a dot and the domain, so that
 * eviltiktok.com is not tiktok.com. */
static bool is_below(const char *host, struct fm_slice domain)
{
    size_t length = strlen(host);
    if (length < domain.length) {
        return false;
    }
    const char *tail = host + length - domain.length;
    return memcmp(tail, domain.data, domain.length) == 0 && (tail == host || tail[-1] == '.');
}

static bool is_listed(const char *domains, const char *host)
{
    const char *at = domains;
    while (*at != '\0') {
        struct fm_slice domain = {at, strcspn(at, " ")};
        if (is_below(host, domain)) {
            return true;
        }
        at += domain.length;
        at += strspn(at, " ");
    }
    return false;
}

enum fm_site fm_site_of_host(const char *host)
{
    for (int i = 0; i < FM_SITE_COUNT; i++) {
        if (is_listed(rows[i].hosts, host)) {
            return (enum fm_site)i;
        }
    }
    return FM_SITE_URL;
}

bool fm_site_has_host(enum fm_site site, const char *host)
{
    assert(site < FM_SITE_COUNT);
    return site == FM_SITE_URL || is_listed(rows[site].hosts, host);
}

void fm_site_names(struct fm_text *out)
{
    const char *separator = "";
    for (int i = 0; i < FM_SITE_COUNT; i++) {
        if (i != FM_SITE_URL) {
            fm_text_format(out, "%s%s", separator, rows[i].name);
            separator = ", ";
        }
    }
    fm_text_format(out, " and %s", rows[FM_SITE_URL].name);
}
