/* Any bytes as an Authorization field or a query with a key in it. */
#include <stdlib.h>
#include <string.h>

#include "broker/request/auth.h"
#include "common/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO_FREE char *text = fm_strndup((const char *)data, size);
    const char *key = fm_auth_bearer(text);
    char last[FM_AUTH_LAST_SIZE];
    (void)fm_auth_key_in_query(text);
    if (key != NULL && fm_key_is_formed(key)) {
        fm_auth_key_last4(key, last);
        if (strlen(key) != FM_KEY_LENGTH || strlen(last) != 4) {
            abort();
        }
    }
    return 0;
}
