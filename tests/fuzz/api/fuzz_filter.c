/* Any bytes as the query of a list: what is read stays within its limits, and goes into arrays. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "broker/api/list_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static size_t number_at(const struct fm_text *array, size_t at)
{
    uint32_t number = 0;
    require(at + sizeof(number) <= array->length);
    memcpy(&number, array->data + at, sizeof(number));
    return ntohl(number);
}

/* The elements fill the array exactly: their number and lengths are those that it states. */
static void require_array(const struct fm_text *array)
{
    size_t at = 20;
    for (size_t left = number_at(array, 12); left > 0; left--) {
        at += 4 + number_at(array, at);
    }
    require(at == array->length);
}

static void read_page(const char *query)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_page_query page;
    struct fm_error err = {0};
    if (fm_list_filter_read(query, &fm_record_page_query, &page, &arena, &err)) {
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
    struct fm_list_filter filter;
    struct fm_error err = {0};
    if (!fm_list_filter_jobs(query, &arena, &filter, &err)) {
        require(err.code != FM_NONE);
        return;
    }
    require(filter.asked.limit >= 1 && filter.asked.limit <= 100);
    require(filter.asked.metadata.count <= 8);
    fm_list_filter_words(&filter, &words);
    fm_list_filter_states(&filter, &states);
    require_array(&words);
    require_array(&states);
    (void)fm_list_filter_matches(&filter, &job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO_FREE char *query = fm_strndup((const char *)data, size);
    read_page(query);
    read_jobs(query);
    return 0;
}
