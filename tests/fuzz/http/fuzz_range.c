/* Any bytes as a Range field, over files of several sizes: a part always lies inside its file. */
#include <stdlib.h>

#include "broker/http/range.h"
#include "common/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t sizes[] = {0, 1, 10, INT64_C(5000000000), INT64_MAX};
    FM_AUTO_FREE char *text = fm_strndup((const char *)data, size);
    for (size_t i = 0; i < FM_COUNT(sizes); i++) {
        int64_t offset = -1, length = -1;
        enum fm_range range = fm_range_parse(text, sizes[i], &offset, &length);
        bool is_inside = offset >= 0 && length >= 0 && offset <= sizes[i] - length;
        if (!is_inside || (range == FM_RANGE_PART && length == 0)) {
            abort();
        }
    }
    (void)fm_range_tag_matches(text, "\"tag\"");
    return 0;
}
