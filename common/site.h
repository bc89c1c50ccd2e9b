/*
 * Which site the host of a URL belongs to. The list of sites and hosts is site.def. Used by the
 * broker to route and pause jobs by site; URL is the site of every host that no other row has.
 * Pure.
 */
#ifndef FM_COMMON_SITE_H
#define FM_COMMON_SITE_H

#include <stdbool.h>

#include "common/text.h"

enum fm_site {
#define FM_SITE(name, text, hosts) FM_SITE_##name,
#include "common/site.def"
#undef FM_SITE
    FM_SITE_COUNT
};

/* "tiktok", …; static. */
const char *fm_site_name(enum fm_site site);
/* False if no row has the name. */
bool fm_site_by_name(const char *name, enum fm_site *site);
/* The site that a host, in lower case, belongs to; FM_SITE_URL if no row has it. */
enum fm_site fm_site_of_host(const char *host);
/* True if the host belongs to the site; every host belongs to FM_SITE_URL. */
bool fm_site_has_host(enum fm_site site, const char *host);
/* Appends "tiktok, instagram, … and url", for an error's text. */
void fm_site_names(struct fm_text *out);

#endif
