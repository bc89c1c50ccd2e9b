/* Writes the description of the API, OpenAPI 3.1, from the same tables that the code runs by. For
 * GET /openapi.json and the broker's command `openapi`. Pure. */
#ifndef FM_BROKER_API_OPENAPI_H
#define FM_BROKER_API_OPENAPI_H

#include "common/text.h"

/* Appends the document. `base` is the URL of its server. */
void fm_openapi_write(const char *base, struct fm_text *out);

#endif
