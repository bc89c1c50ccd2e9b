#include "tests/unit/common/unit.h"

#include "broker/api/job_view.h"
#include "common/clock.h"
#include "common/json.h"

static struct fm_secrets secrets = {.url_key_id = 1, .url_key = {1, 2, 3}};
static const struct fm_signed_url signed_url = {&secrets, NULL, 3600, 900};
#define NOW_US INT64_C(1800000000000000)

/* A row with everything packed that the job object is made from. */
struct world {
    struct fm_arena arena;
    struct fm_text spec, progress, result;
    struct fm_reader_job row;
    struct fm_reason *reason;
};

static struct fm_slice packed(const struct fm_record *record, const void *in, struct fm_text *out)
{
    fm_pack_write(record, in, out);
    return (struct fm_slice){out->data, out->length};
}

static void set_up(struct world *world)
{
    struct fm_spec spec;
    struct fm_spec_pair pair = {"invoice", "42"};
    *world = (struct world){.row = {.id = fm_id_new(), .account = fm_id_new(), .lease = 7}};
    world->reason = fm_reason_new();
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.url = "https://www.tiktok.com/@user/video/123";
    spec.site = FM_SITE_TIKTOK;
    spec.metadata = (struct fm_list){&pair, 1};
    world->row.spec = packed(&fm_record_spec, &spec, &world->spec);
    world->row.state = FM_STATE_QUEUED;
}

static void add_result(struct world *world)
{
    static const uint8_t digest[FM_HASH_SIZE] = {0xab};
    struct fm_video_facts video;
    struct fm_file_facts file;
    struct fm_result result;
    fm_pack_defaults(&fm_record_video_facts, &video);
    fm_pack_defaults(&fm_record_file_facts, &file);
    fm_pack_defaults(&fm_record_result, &result);
    video.codec = "h264";
    video.width = 1280;
    video.height = 720;
    file.name = "reel";
    file.extension = "mp4";
    file.content_type = "video/mp4";
    file.size_bytes = 1000;
    file.duration_seconds = 31.2;
    file.sha256 = (struct fm_slice){(const char *)digest, sizeof(digest)};
    file.video = &video;
    result.outputs = (struct fm_list){&file, 1};
    world->row.result = packed(&fm_record_result, &result, &world->result);
    world->row.state = FM_STATE_SUCCEEDED;
    world->row.starts = 1;
    world->row.completed_at_us = NOW_US;
    world->row.expires_at_us = NOW_US + INT64_C(86400000000);
}

static void tear_down(struct world *world)
{
    fm_reason_destroy(&world->reason);
    fm_arena_done(&world->arena);
    fm_text_done(&world->spec);
    fm_text_done(&world->progress);
    fm_text_done(&world->result);
}

static void write_job(struct world *world, int64_t now_us, struct fm_text *out,
                      struct fm_json **root)
{
    struct fm_job_view job;
    struct fm_error err = {0};
    assert_true(fm_job_view_read(&world->row, &world->arena, &job, &err));
    fm_job_view_explain(&job, world->reason);
    fm_job_view_write(&job, &signed_url, "http://a", now_us, out);
    assert_true(fm_json_parse((struct fm_slice){out->data, out->length}, root, &err));
}

static const char *text_of(const struct fm_json *root, const char *name)
{
    return fm_json_text(fm_json_get(root, name));
}

static void a_waiting_job_has_every_member(void **state)
{
    (void)state;
    static const char *const members[] = {
        "id",         "object",       "type",       "status",   "done",        "created_at",
        "started_at", "completed_at", "expires_at", "input",    "progress",    "queue",
        "attempt",    "max_attempts", "priority",   "node",     "source",      "outputs",
        "error",      "metadata",     "batch",      "retry_of", "webhook_url", "urls",
    };
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    write_job(&world, NOW_US, &out, &root);
    for (size_t i = 0; i < FM_COUNT(members); i++) {
        assert_non_null(fm_json_get(root, members[i]));
    }
    assert_int_equal(fm_json_count(root), FM_COUNT(members));
    assert_string_equal(text_of(root, "status"), "queued");
    assert_string_equal(text_of(fm_json_get(root, "input"), "site"), "tiktok");
    assert_string_equal(text_of(fm_json_get(root, "metadata"), "invoice"), "42");
    assert_int_equal(fm_json_kind(fm_json_get(root, "source")), FM_JSON_NULL);
    assert_int_equal(fm_json_kind(fm_json_get(root, "batch")), FM_JSON_NULL);
    assert_true(fm_text_starts(text_of(root, "id"), "job_"));
    fm_json_destroy(&root);
    tear_down(&world);
}

static void a_retry_says_why_it_waits(void **state)
{
    (void)state;
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    world.row.is_retry = true;
    write_job(&world, NOW_US, &out, &root);
    assert_string_equal(text_of(fm_json_get(root, "queue"), "reason"), "retry");
    fm_json_destroy(&root);
    tear_down(&world);
}

static void a_waiting_job_says_where_it_stands_and_for_how_long(void **state)
{
    (void)state;
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    world.row.ahead = 2;
    for (int i = 0; i < 3; i++) {
        fm_start_rate_note(fm_reason_start_rate(world.reason), "any:net", FM_PRIORITY_NORMAL,
                           &world.row.account, fm_clock_ms());
    }
    write_job(&world, NOW_US, &out, &root);
    const struct fm_json *queue = fm_json_get(root, "queue");
    assert_int_equal(fm_json_integer(fm_json_get(queue, "position")), 2);
    assert_int_equal(fm_json_integer(fm_json_get(queue, "eta_seconds")), 10);
    assert_int_equal(fm_json_kind(fm_json_get(queue, "reason")), FM_JSON_NULL);
    fm_json_destroy(&root);
    tear_down(&world);
}

static void an_unknown_place_is_null(void **state)
{
    (void)state;
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    world.row.ahead = -1;
    fm_reason_set_pools(world.reason, NULL, 0, true);
    write_job(&world, NOW_US, &out, &root);
    const struct fm_json *queue = fm_json_get(root, "queue");
    assert_int_equal(fm_json_kind(fm_json_get(queue, "position")), FM_JSON_NULL);
    assert_int_equal(fm_json_kind(fm_json_get(queue, "eta_seconds")), FM_JSON_NULL);
    assert_string_equal(text_of(queue, "reason"), "no_worker");
    fm_json_destroy(&root);
    tear_down(&world);
}

static void a_paused_job_says_why_it_waits(void **state)
{
    (void)state;
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    const struct fm_reason_pause pause = {.kind = FM_REASON_SITE, .site = FM_SITE_TIKTOK};
    set_up(&world);
    fm_reason_set_pauses(world.reason, &pause, 1);
    write_job(&world, NOW_US, &out, &root);
    assert_string_equal(text_of(fm_json_get(root, "queue"), "reason"), "paused");
    fm_json_destroy(&root);
    tear_down(&world);
}

static void a_running_job_shows_how_far_it_is(void **state)
{
    (void)state;
    struct world world;
    struct fm_progress progress;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    fm_pack_defaults(&fm_record_progress, &progress);
    progress.stage = FM_STAGE_DOWNLOAD;
    progress.percent = 41.5;
    progress.downloaded_bytes = 1048576;
    world.row.progress = packed(&fm_record_progress, &progress, &world.progress);
    world.row.state = FM_STATE_RUNNING;
    world.row.node = "berlin-1";
    write_job(&world, NOW_US, &out, &root);
    const struct fm_json *shown = fm_json_get(root, "progress");
    assert_string_equal(text_of(shown, "stage"), "download");
    assert_true(fm_json_double(fm_json_get(shown, "percent")) == 41.5);
    assert_int_equal(fm_json_integer(fm_json_get(shown, "downloaded_bytes")), 1048576);
    assert_int_equal(fm_json_kind(fm_json_get(shown, "speed")), FM_JSON_NULL);
    assert_string_equal(text_of(root, "node"), "berlin-1");
    fm_json_destroy(&root);
    tear_down(&world);
}

static void a_finished_job_has_its_outputs_and_their_urls(void **state)
{
    (void)state;
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    add_result(&world);
    write_job(&world, NOW_US, &out, &root);
    const struct fm_json *output = fm_json_at(fm_json_get(root, "outputs"), 0);
    assert_string_equal(text_of(output, "name"), "reel");
    assert_true(fm_text_starts(text_of(output, "url"), "http://a/v1/files/"));
    assert_true(strlen(text_of(output, "sha256")) == 64);
    assert_int_equal(fm_json_integer(fm_json_get(fm_json_get(output, "video"), "width")), 1280);
    assert_int_equal(fm_json_kind(fm_json_get(output, "audio")), FM_JSON_NULL);
    assert_int_equal(fm_json_kind(fm_json_get(root, "error")), FM_JSON_NULL);
    assert_true(fm_json_bool(fm_json_get(root, "done")));
    fm_json_destroy(&root);
    tear_down(&world);
}

static void an_expired_output_has_no_url(void **state)
{
    (void)state;
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    add_result(&world);
    write_job(&world, world.row.expires_at_us, &out, &root);
    const struct fm_json *output = fm_json_at(fm_json_get(root, "outputs"), 0);
    assert_int_equal(fm_json_kind(fm_json_get(output, "url")), FM_JSON_NULL);
    fm_json_destroy(&root);
    tear_down(&world);
}

static void a_failed_job_says_what_the_table_says(void **state)
{
    (void)state;
    struct world world;
    struct fm_json *root = NULL;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    set_up(&world);
    world.row.state = FM_STATE_FAILED;
    world.row.error = FM_RESOLVER_UNAVAILABLE;
    write_job(&world, NOW_US, &out, &root);
    const struct fm_json *error = fm_json_get(root, "error");
    assert_string_equal(text_of(error, "code"), "resolver_unavailable");
    assert_false(fm_json_bool(fm_json_get(error, "retryable")));
    assert_int_equal(fm_json_kind(fm_json_get(error, "detail")), FM_JSON_NULL);
    fm_json_destroy(&root);
    tear_down(&world);
}

static void the_tag_changes_with_the_object_and_says_the_state(void **state)
{
    (void)state;
    enum fm_state read = FM_STATE_QUEUED;
    char first[FM_JOB_VIEW_TAG_SIZE], again[FM_JOB_VIEW_TAG_SIZE], other[FM_JOB_VIEW_TAG_SIZE];
    fm_job_view_tag(FM_STATE_RUNNING, fm_slice_of("{\"a\":1}"), first);
    fm_job_view_tag(FM_STATE_RUNNING, fm_slice_of("{\"a\":1}"), again);
    fm_job_view_tag(FM_STATE_RUNNING, fm_slice_of("{\"a\":2}"), other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_true(fm_job_view_tag_state(first, &read));
    assert_int_equal(read, FM_STATE_RUNNING);
    assert_true(fm_job_view_tag_state("W/\"succeeded-0\"", &read));
    assert_int_equal(read, FM_STATE_SUCCEEDED);
    assert_false(fm_job_view_tag_state("\"running\"", &read));
    assert_false(fm_job_view_tag_state("*", &read));
    assert_false(fm_job_view_tag_state("", &read));
}

static void an_output_is_found_by_name_and_by_file_name(void **state)
{
    (void)state;
    struct world world;
    struct fm_job_view job;
    struct fm_error err = {0};
    set_up(&world);
    add_result(&world);
    assert_true(fm_job_view_read(&world.row, &world.arena, &job, &err));
    assert_non_null(fm_job_view_output(&job, "reel"));
    assert_non_null(fm_job_view_output(&job, "reel.mp4"));
    assert_null(fm_job_view_output(&job, "reel.mp3"));
    assert_null(fm_job_view_output(&job, "ree"));
    assert_null(fm_job_view_output(&job, ""));
    struct fm_store_object object = fm_job_view_object(&job, fm_job_view_output(&job, "reel"));
    assert_int_equal(object.lease, 7);
    assert_string_equal(object.extension, "mp4");
    tear_down(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiting_job_has_every_member),
        cmocka_unit_test(a_retry_says_why_it_waits),
        cmocka_unit_test(a_waiting_job_says_where_it_stands_and_for_how_long),
        cmocka_unit_test(an_unknown_place_is_null),
        cmocka_unit_test(a_paused_job_says_why_it_waits),
        cmocka_unit_test(a_running_job_shows_how_far_it_is),
        cmocka_unit_test(a_finished_job_has_its_outputs_and_their_urls),
        cmocka_unit_test(an_expired_output_has_no_url),
        cmocka_unit_test(a_failed_job_says_what_the_table_says),
        cmocka_unit_test(the_tag_changes_with_the_object_and_says_the_state),
        cmocka_unit_test(an_output_is_found_by_name_and_by_file_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
