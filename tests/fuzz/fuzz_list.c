/* Any bytes as the query of a list: what is read stays within its limits, and goes into arrays. */
#include <stdlib.h>
#include <string.h>

#include "broker/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void read_page(const char *query)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_page_query page;
    struct fm_error err = {0};
    if (fm_filter_read(query, &fm_record_page_query, &page, &arena, &err)) {
        require(page.limit >= 1 && page.limit <= 20);
    } else {
        require(err.code != FM_NONE);
    }
}

static void read_jobs(const char *query)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text words = {0};
    FM_AUTO(fm_text_done) struct fm_text states = {0};
    const struct fm_job_view job = {.has_result = false};
    struct fm_filter filter;
    struct fm_error err = {0};
    if (!fm_filter_jobs(query, &arena, &filter, &err)) {
        require(err.code != FM_NONE);
        return;
    }
    require(filter.asked.limit >= 1 && filter.asked.limit <= 100);
    require(filter.pair_count <= FM_FILTER_PAIRS);
    fm_filter_words(&filter, &words);
    fm_filter_states(&filter, &states);
    require(words.data[words.length - 1] == '}' && states.data[states.length - 1] == '}');
    (void)fm_filter_matches(&filter, &job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO_FREE char *query = fm_strndup((const char *)data, size);
    read_page(query);
    read_jobs(query);
    return 0;
}
