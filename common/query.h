/*
 * Walks the parameters of a query or of a form body, name=value&…, and decodes each. Which names
 * are allowed is the caller's. Pure.
 */
#ifndef FM_COMMON_QUERY_H
#define FM_COMMON_QUERY_H

#include <stdbool.h>

#include "common/text.h"

struct fm_query {
    const char *left;           /* the rest of the text */
    struct fm_slice raw;        /* the value before decoding; borrowed from the text */
    struct fm_text name, value; /* decoded; '+' is a space, except in a parameter named url */
};

/* The text must outlive the walk. */
void fm_query_init(struct fm_query *query, const char *text);
void fm_query_done(struct fm_query *query);
/* Moves on to the next parameter; false at the end. A name or value that cannot be decoded (%zz)
 * keeps its raw text. `name` and `value` are overwritten by the next call. */
bool fm_query_next(struct fm_query *query);

#endif
