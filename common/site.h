/* Which site a URL's host belongs to. The list is site.def. */
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

/* "tiktok", … ; static. */
const char *fm_site_name(enum fm_site site);
bool fm_site_by_name(const char *name, enum fm_site *site);
/* The site whose hosts the (lower-case) host matches; FM_SITE_URL if none does. */
enum fm_site fm_site_of_host(const char *host);
/* True if the host belongs to the site; every host belongs to FM_SITE_URL. */
bool fm_site_has_host(enum fm_site site, const char *host);
/* "tiktok, instagram, … and url", for an error's text. */
void fm_site_names(struct fm_text *out);

#endif
