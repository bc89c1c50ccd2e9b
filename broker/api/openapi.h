/* The description of the API, OpenAPI 3.1, made from the tables the code runs by. */
#ifndef FM_BROKER_API_OPENAPI_H
#define FM_BROKER_API_OPENAPI_H

#include "common/text.h"

/* Appends the document; `base` is its server. */
void fm_openapi_write(const char *base, struct fm_text *out);

#endif
