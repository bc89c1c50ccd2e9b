/* Any bytes as the query of a list: what is read is within its limits, what is asked is well
 * formed. */
#include <stdlib.h>
#include <string.h>

#include "broker/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text words = {0}, states = {0};
    FM_AUTO_FREE char *query = fm_strndup((const char *)data, size);
    struct fm_filter filter;
    struct fm_page_query page;
    struct fm_error err = {0};
    if (fm_filter_jobs(query, &arena, &filter, &err)) {
        fm_filter_words(&filter, &words);
        fm_filter_states(&filter, &states);
        bool is_within = filter.asked.limit >= 1 && filter.asked.limit <= 100 &&
                         filter.pair_count <= FM_FILTER_PAIRS;
        bool are_arrays = words.data[0] == '{' && words.data[words.length - 1] == '}' &&
                          states.data[0] == '{' && states.data[states.length - 1] == '}';
        if (!is_within || !are_arrays) {
            abort();
        }
    } else if (err.code == FM_NONE) {
        abort();
    }
    if (fm_filter_read(query, &fm_record_page_query, &page, &arena, &err) && page.limit == 0) {
        abort();
    }
    return 0;
}
