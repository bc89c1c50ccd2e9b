/* The whole life of a child over its channel: a command and descriptors go in, END comes out. */
#include "tests/unit/media/fixture.h"

#include <math.h>

#include "proto/spec.h"

#define MOST_FDS (1 + 16)

static struct fm_error err;

static void start_ready(struct media_child *child)
{
    struct fm_message ready;
    *child = start_child();
    expect_message(child, FM_MESSAGE_READY, &ready);
    fm_message_done(&ready);
}

/* The file of output `index`. */
static int open_output(size_t index, int flags)
{
    char name[32];
    snprintf(name, sizeof(name), "made-%zu", index);
    return open_made(name, flags);
}

/* Sends WORK with the input and an empty file (`made-0`, `made-1` and so on) for each output. */
static void send_work(struct media_child *child, const char *name, const struct fm_spec *spec,
                      const char *content_type)
{
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    struct fm_message work;
    int fds[MOST_FDS] = {open_made(name, O_RDONLY)};
    size_t count = fm_spec_is_copy(spec) ? 0 : spec->outputs.count;
    assert_true(fm_spec_write(spec, &packed, &err));
    fm_message_init(&work, FM_MESSAGE_WORK);
    work.work.spec = (struct fm_slice){packed.data, packed.length};
    work.work.size_bytes = (uint64_t)size_of(fds[0]);
    work.work.content_type = content_type;
    for (size_t i = 0; i < count; i++) {
        fds[1 + i] = open_output(i, O_RDWR | O_CREAT | O_TRUNC);
    }
    assert_true(fm_channel_send(child->channel, &work, fds, 1 + count, 1000, &err));
    fm_message_done(&work);
    for (size_t i = 0; i <= count; i++) {
        fm_file_close(&fds[i]);
    }
}

/* Skips PROGRESS, of which there is at least one, up to END; the child then exits with 0. */
static void expect_end(struct media_child *child, struct fm_message *end)
{
    for (int i = 0;; i++) {
        int fds[FM_CHANNEL_DESCRIPTORS];
        size_t fd_count = 0;
        enum fm_channel_got got =
            fm_channel_receive(child->channel, 60000, end, fds, &fd_count, &err);
        assert_int_equal(got, FM_CHANNEL_MESSAGE);
        if (end->type == FM_MESSAGE_END) {
            assert_true(i > 0 || end->end.error == FM_PROTOCOL);
            break;
        }
        assert_int_equal(end->type, FM_MESSAGE_PROGRESS);
        fm_message_done(end);
    }
    if (end->end.error) {
        print_message("error %u: %s\n", (unsigned)end->end.error, end->end.detail);
    }
    assert_int_equal(end_child(child), 0);
}

static void run_work(const char *name, const struct fm_spec *spec, const char *content_type,
                     struct fm_message *end)
{
    struct media_child child;
    start_ready(&child);
    send_work(&child, name, spec, content_type);
    expect_end(&child, end);
}

/* Sends VERIFY of `made-0` and so on, with the facts that the first child reported. */
static void run_verify(const struct fm_list *files, struct fm_message *end)
{
    struct media_child child;
    struct fm_message command;
    int fds[MOST_FDS];
    start_ready(&child);
    fm_message_init(&command, FM_MESSAGE_VERIFY);
    command.verify.expect = *files;
    for (size_t i = 0; i < files->count; i++) {
        fds[i] = open_output(i, O_RDONLY);
    }
    assert_true(fm_channel_send(child.channel, &command, fds, files->count, 1000, &err));
    fm_message_done(&command);
    for (size_t i = 0; i < files->count; i++) {
        fm_file_close(&fds[i]);
    }
    expect_end(&child, end);
}

static void set_defaults(struct fm_spec *spec)
{
    fm_pack_defaults(&fm_record_spec, spec);
    spec->url = "http://example.org/film.mp4";
}

/* ---- copies ---- */

static void a_copy_of_a_film_has_facts(void **state)
{
    (void)state;
    struct fm_spec spec;
    struct fm_message end;
    set_defaults(&spec);
    run_work("film.mp4", &spec, "video/mp4", &end);
    assert_int_equal(end.end.error, FM_NONE);
    assert_int_equal(end.end.files.count, 0);
    assert_string_equal(end.end.source->container, "mov,mp4,m4a,3gp,3g2,mj2");
    assert_string_equal(end.end.source->video->codec, "h264");
    fm_message_done(&end);
}

static void a_copy_of_something_that_is_no_media_has_no_facts(void **state)
{
    (void)state;
    struct fm_spec spec;
    struct fm_message end;
    set_defaults(&spec);
    write_file("letter", "Dear reader,\n", 13);
    run_work("letter", &spec, "text/plain", &end);
    assert_int_equal(end.end.error, FM_NONE);
    assert_null(end.end.source->container);
    fm_message_done(&end);
}

static void a_page_is_no_media(void **state)
{
    (void)state;
    struct fm_spec spec;
    struct fm_message end;
    set_defaults(&spec);
    static const char page[] = "\n<!-- x --><!DOCTYPE html><html><body>Log in</body></html>";
    write_file("page", page, strlen(page));
    run_work("page", &spec, NULL, &end);
    assert_int_equal(end.end.error, FM_NO_MEDIA_FOUND);
    fm_message_done(&end);
    run_work("letter", &spec, "text/html; charset=utf-8", &end);
    assert_int_equal(end.end.error, FM_NO_MEDIA_FOUND);
    fm_message_done(&end);
}

static void a_spec_that_does_not_fit_its_descriptors_is_a_protocol_error(void **state)
{
    (void)state;
    struct fm_spec_output song = {.name = "song", .format = FM_FORMAT_MP3};
    struct fm_spec spec;
    struct media_child child;
    struct fm_message work, end;
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    FM_AUTO(fm_file_close) int fd = open_made("film.mp4", O_RDONLY);
    set_defaults(&spec);
    spec.outputs = (struct fm_list){.items = &song, .count = 1};
    assert_true(fm_spec_write(&spec, &packed, &err));
    start_ready(&child);
    fm_message_init(&work, FM_MESSAGE_WORK);
    work.work.spec = (struct fm_slice){packed.data, packed.length};
    assert_true(fm_channel_send(child.channel, &work, &fd, 1, 1000, &err));
    fm_message_done(&work);
    expect_end(&child, &end);
    assert_int_equal(end.end.error, FM_PROTOCOL);
    fm_message_done(&end);
}

/* ---- one decode, three outputs, and their verification ---- */

static void check_made(const struct fm_list *list)
{
    const struct fm_file_facts *files = list->items;
    assert_int_equal(list->count, 3);
    assert_string_equal(files[0].name, "small");
    assert_string_equal(files[0].video->codec, "h264");
    assert_int_equal(files[0].video->height, 120);
    assert_int_equal(files[0].video->width, 160);
    assert_true(fabs(files[0].duration_seconds - 2) < 0.2);
    assert_string_equal(files[1].name, "song");
    assert_string_equal(files[1].audio->codec, "mp3");
    assert_null(files[1].video);
    assert_string_equal(files[2].name, "cover");
    assert_string_equal(files[2].video->codec, "mjpeg");
}

static void one_film_becomes_three_files_that_pass(void **state)
{
    (void)state;
    struct fm_spec_video video;
    fm_pack_defaults(&fm_record_spec_video, &video);
    video.codec = FM_CODEC_H264;
    video.height = 120;
    struct fm_spec_output outputs[3];
    static const char *const names[] = {"small", "song", "cover"};
    static const enum fm_format formats[] = {FM_FORMAT_MP4, FM_FORMAT_MP3, FM_FORMAT_JPG};
    for (size_t i = 0; i < FM_COUNT(outputs); i++) {
        fm_pack_defaults(&fm_record_spec_output, &outputs[i]);
        outputs[i].name = names[i];
        outputs[i].format = formats[i];
    }
    outputs[0].video = &video;
    struct fm_spec spec;
    struct fm_message made, found;
    set_defaults(&spec);
    spec.outputs = (struct fm_list){.items = outputs, .count = FM_COUNT(outputs)};
    run_work("film.mp4", &spec, "video/mp4", &made);
    assert_int_equal(made.end.error, FM_NONE);
    check_made(&made.end.files);
    run_verify(&made.end.files, &found);
    assert_int_equal(found.end.error, FM_NONE);
    check_made(&found.end.files);
    fm_message_done(&made);
    fm_message_done(&found);
}

/* Runs every decoder once behind the seal, where opening a file or making an unusual call late in
 * its work would kill the child. */
static void no_source_makes_the_seal_break(void **state)
{
    (void)state;
    static const char *const names[] = {"a.mov", "a.mkv", "a.webm", "a.avi",  "a.ts",  "a.mpg",
                                        "a.flv", "a.gif", "a.webp", "a.hevc", "a.ivf", "a.wmv"};
    struct fm_spec_output still;
    fm_pack_defaults(&fm_record_spec_output, &still);
    still.name = "still";
    still.format = FM_FORMAT_JPG;
    struct fm_spec spec;
    set_defaults(&spec);
    spec.outputs = (struct fm_list){.items = &still, .count = 1};
    ffmpeg("-i film.mp4 -t 0.5 a.mov -t 0.5 a.mkv -c:v libvpx-vp9 -deadline realtime -t 0.5 a.webm "
           "-t 0.5 a.avi -t 0.5 a.ts -t 0.5 a.mpg -t 0.5 a.flv -t 0.5 a.gif -frames:v 1 a.webp "
           "-c:v libx265 -x265-params log-level=0 -t 0.2 -an a.hevc -c:v libaom-av1 -cpu-used 8 "
           "-t 0.1 -an a.ivf -t 0.5 a.wmv");
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        struct fm_message made;
        print_message("%s\n", names[i]);
        run_work(names[i], &spec, NULL, &made);
        assert_int_equal(made.end.error, FM_NONE);
        fm_message_done(&made);
    }
}

/* Requests one output of every format, all of the same part, so that each has to be encoded. */
static size_t add_every_format(struct fm_spec_output *outputs)
{
    static const struct fm_spec_trim part = {.start_seconds = 0.5, .end_seconds = 1.3};
    size_t count = 0;
    for (size_t i = 0; i < FM_FORMAT_COUNT; i++) {
        if (i == FM_FORMAT_COPY) {
            continue;
        }
        fm_pack_defaults(&fm_record_spec_output, &outputs[count]);
        outputs[count].name = fm_names_format[i];
        outputs[count].format = i;
        outputs[count++].trim = &part;
    }
    return count;
}

static void no_output_makes_the_seal_break(void **state)
{
    (void)state;
    struct fm_spec_output outputs[FM_FORMAT_COUNT];
    struct fm_spec spec;
    struct fm_message made, found;
    set_defaults(&spec);
    spec.outputs = (struct fm_list){.items = outputs, .count = add_every_format(outputs)};
    run_work("film.mp4", &spec, "video/mp4", &made);
    assert_int_equal(made.end.error, FM_NONE);
    run_verify(&made.end.files, &found);
    assert_int_equal(found.end.error, FM_NONE);
    const struct fm_file_facts *files = found.end.files.items;
    for (size_t i = 0; i < found.end.files.count; i++) {
        bool still = outputs[i].format == FM_FORMAT_JPG;
        assert_true(fabs(files[i].duration_seconds - (still ? 0 : 0.8)) < 0.1);
    }
    fm_message_done(&made);
    fm_message_done(&found);
}

static int make_film(void **state)
{
    if (make_directory(state) != 0) {
        return -1;
    }
    ffmpeg(TWO_SECONDS "film.mp4");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_of_a_film_has_facts),
        cmocka_unit_test(a_copy_of_something_that_is_no_media_has_no_facts),
        cmocka_unit_test(a_page_is_no_media),
        cmocka_unit_test(a_spec_that_does_not_fit_its_descriptors_is_a_protocol_error),
        cmocka_unit_test(one_film_becomes_three_files_that_pass),
        cmocka_unit_test(no_source_makes_the_seal_break),
        cmocka_unit_test(no_output_makes_the_seal_break),
    };
    if (!media_program()) {
        print_message("child: skipped, FM_BIN_DIR has no fetchmedia-media\n");
        return 0;
    }
    return cmocka_run_group_tests_name("child", tests, make_film, remove_directory);
}
