/*
 * Any bytes as the body of a batch, in both forms. However it is cut into parts, the same jobs come
 * out of it and it ends the same way; a job that is let through packs and comes back.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/api/batch_lines.h"
#include "broker/request/auth.h"
#include "broker/spec/validate.h"
#include "common/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

/* What one reading came to. */
struct outcome {
    struct fm_text jobs; /* each with a NUL behind it */
    size_t count, number;
    enum fm_error_code code;
};

static bool collect_job(void *context, struct fm_slice job, struct fm_error *err)
{
    struct outcome *outcome = context;
    (void)err;
    require(job.length > 0 && job.length <= FM_BATCH_LINES_LIMIT);
    fm_text_append_bytes(&outcome->jobs, job.data, job.length);
    fm_text_append_bytes(&outcome->jobs, "", 1);
    outcome->count++;
    return true;
}

static void read_in_parts(struct fm_slice body, enum fm_batch_lines_form form, size_t step,
                          struct outcome *outcome)
{
    struct fm_error err = {0};
    FM_AUTO(fm_batch_lines_done)
    struct fm_batch_lines lines = {.form = form, .handle_job = collect_job, .context = outcome};
    bool is_good = true;
    while (is_good && body.length > 0) {
        size_t length = body.length < step ? body.length : step;
        is_good = fm_batch_lines_feed(&lines, (struct fm_slice){body.data, length}, &err);
        body.data += length;
        body.length -= length;
    }
    is_good = is_good && fm_batch_lines_end(&lines, &err);
    require(is_good == (err.code == FM_NONE));
    outcome->code = err.code;
    outcome->number = lines.number;
}

static void validate(const char *job, size_t length)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    static const struct fm_address_policy policy;
    struct fm_validate_result result;
    struct fm_spec again;
    struct fm_error err = {0};
    struct fm_validate_input input = {.query = "",
                                      .content_type = "application/json",
                                      .body = {job, length},
                                      .scopes = FM_SCOPE_FETCH | FM_SCOPE_PROCESS,
                                      .policy = &policy,
                                      .now_ms = INT64_C(1800000000000)};
    if (!fm_validate_job(&input, &arena, &result, &err)) {
        require(err.code != FM_NONE);
    } else if (fm_spec_write(&result.spec, &packed, &err)) {
        require(fm_spec_read((struct fm_slice){packed.data, packed.length}, &arena, &again, &err));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = {.count = 0}, parts = {.count = 0};
    if (size < 2) {
        return 0;
    }
    enum fm_batch_lines_form form =
        (data[0] & 1) == 0 ? FM_BATCH_LINES_NDJSON : FM_BATCH_LINES_JSON;
    size_t step = 1 + data[0] / 2;
    struct fm_slice body = {(const char *)data + 1, size - 1};
    read_in_parts(body, form, body.length, &whole);
    read_in_parts(body, form, step, &parts);
    require(whole.code == parts.code && whole.number == parts.number);
    require(whole.count == parts.count && whole.jobs.length == parts.jobs.length);
    require(whole.count == 0 || memcmp(whole.jobs.data, parts.jobs.data, whole.jobs.length) == 0);
    /* A job's own NULs end it early here; the parser sees them in the targets `json` and `request`.
     */
    for (size_t at = 0; at < whole.jobs.length; at += strlen(whole.jobs.data + at) + 1) {
        validate(whole.jobs.data + at, strlen(whole.jobs.data + at));
    }
    fm_text_done(&whole.jobs);
    fm_text_done(&parts.jobs);
    return 0;
}
