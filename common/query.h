/* Walking name=value&… as a query or a form body carries it. Pure. */
#ifndef FM_COMMON_QUERY_H
#define FM_COMMON_QUERY_H

#include <stdbool.h>

#include "common/text.h"

struct fm_query {
    const char *left;           /* what is still to come */
    struct fm_slice raw;        /* the value as it came */
    struct fm_text name, value; /* decoded; '+' is a space but in a parameter named url */
};

/* The text must outlive the walk. */
void fm_query_init(struct fm_query *query, const char *text);
void fm_query_done(struct fm_query *query);
/* The next parameter; false at the end. One that cannot be decoded has its raw text. */
bool fm_query_next(struct fm_query *query);

#endif
