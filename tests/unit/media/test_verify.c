/* Good outputs pass, and each way in which an output can be bad is noticed. */
#include "tests/unit/media/fixture.h"

#include <math.h>

#include "worker/media/probe.h"
#include "worker/media/verify.h"

static struct fm_video_facts picture;
static struct fm_audio_facts sound;
static struct fm_file_facts film;

/* The facts of film.mp4: 2 s, 50 frames, mono. */
static int reset(void **state)
{
    (void)state;
    picture = (struct fm_video_facts){.codec = "h264", .width = 320, .height = 240, .frames = 50};
    sound = (struct fm_audio_facts){.codec = "aac", .channels = 1, .sample_rate = 44100};
    film = (struct fm_file_facts){.name = "film",
                                  .extension = "mp4",
                                  .content_type = "video/mp4",
                                  .duration_seconds = 2,
                                  .video = &picture,
                                  .audio = &sound,
                                  .reason = "remux"};
    return 0;
}

static int make_films(void **state)
{
    if (make_directory(state) != 0) {
        return -1;
    }
    ffmpeg(TWO_SECONDS "film.mp4");
    return 0;
}

/* The error of the verification; FM_NONE if the file passes. */
static enum fm_error_code verify(const char *name)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_file_close) int fd = open_made(name, O_RDONLY);
    struct fm_file_facts found;
    struct fm_error err = {0};
    return fm_verify_file(fd, &film, 3600, &arena, &found, &err) ? FM_NONE : err.code;
}

static void a_good_film_passes_and_its_facts_come_back(void **state)
{
    (void)state;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_file_close) int fd = open_made("film.mp4", O_RDONLY);
    struct fm_file_facts found;
    struct fm_error err = {0};
    assert_true(fm_verify_file(fd, &film, 3600, &arena, &found, &err));
    assert_string_equal(found.name, "film");
    assert_string_equal(found.extension, "mp4");
    assert_string_equal(found.content_type, "video/mp4");
    assert_string_equal(found.reason, "remux");
    assert_int_equal(found.size_bytes, size_of(fd));
    assert_true(fabs(found.duration_seconds - 2) < 0.1);
    assert_int_equal(found.video->frames, 50);
    assert_true(fabs(found.video->frame_rate - 25) < 0.01);
    assert_int_equal(found.audio->sample_rate, 44100);
}

static void what_is_not_fixed_is_not_held_against_it(void **state)
{
    (void)state;
    picture = (struct fm_video_facts){0};
    sound = (struct fm_audio_facts){0};
    film.duration_seconds = 0;
    assert_int_equal(verify("film.mp4"), FM_NONE);
}

static void a_missing_frame_is_seen(void **state)
{
    (void)state;
    picture.frames = 51;
    assert_int_equal(verify("film.mp4"), FM_VERIFY_FAILED);
}

static void another_size_or_codec_is_seen(void **state)
{
    (void)state;
    picture.width = 640;
    assert_int_equal(verify("film.mp4"), FM_VERIFY_FAILED);
    picture.width = 320;
    sound.codec = "mp3";
    assert_int_equal(verify("film.mp4"), FM_VERIFY_FAILED);
}

static void another_length_is_seen(void **state)
{
    (void)state;
    film.duration_seconds = 2.45;
    assert_int_equal(verify("film.mp4"), FM_NONE);
    film.duration_seconds = 2.6;
    assert_int_equal(verify("film.mp4"), FM_VERIFY_FAILED);
}

static void a_missing_or_unexpected_stream_is_seen(void **state)
{
    (void)state;
    film.audio = NULL;
    assert_int_equal(verify("film.mp4"), FM_VERIFY_FAILED);
    film.audio = &sound;
    ffmpeg("-i film.mp4 -c copy -an mute.mp4");
    assert_int_equal(verify("mute.mp4"), FM_VERIFY_FAILED);
}

static void audio_that_ends_early_is_seen_unless_it_was_expected(void **state)
{
    (void)state;
    ffmpeg("-i film.mp4 -t 0.5 -i film.mp4 -map 0:v -map 1:a -c copy early.mp4");
    assert_int_equal(verify("early.mp4"), FM_VERIFY_FAILED);
    film.skew_seconds = -1.5;
    assert_int_equal(verify("early.mp4"), FM_NONE);
}

/* In a slide show the last packet does not say how long its frame is shown. */
static void a_slow_film_passes(void **state)
{
    (void)state;
    ffmpeg("-f lavfi -i testsrc=d=12:s=64x64:r=1/3 -c:v libx264 slides.mp4");
    picture = (struct fm_video_facts){.frames = 4};
    film.audio = NULL;
    film.duration_seconds = 12;
    assert_int_equal(verify("slides.mp4"), FM_NONE);
}

static void a_cut_film_is_seen(void **state)
{
    (void)state;
    ffmpeg("-i film.mp4 -c copy -movflags +faststart front.mp4");
    assert_int_equal(verify("front.mp4"), FM_NONE);
    FM_AUTO(fm_file_close) int fd = open_made("front.mp4", O_RDWR);
    assert_int_equal(ftruncate(fd, size_of(fd) * 9 / 10), 0);
    assert_int_equal(verify("front.mp4"), FM_VERIFY_FAILED);
}

static void what_is_no_media_is_seen(void **state)
{
    (void)state;
    write_file("empty", "", 0);
    assert_int_equal(verify("empty"), FM_VERIFY_FAILED);
    write_file("text", "hello\n", 6);
    assert_int_equal(verify("text"), FM_VERIFY_FAILED);
}

static void a_song_and_a_picture_pass(void **state)
{
    (void)state;
    ffmpeg("-i film.mp4 -vn song.mp3");
    sound.codec = "mp3";
    film.video = NULL;
    assert_int_equal(verify("song.mp3"), FM_NONE);
    ffmpeg("-i film.mp4 -frames:v 1 picture.jpg");
    picture = (struct fm_video_facts){.codec = "mjpeg", .width = 320, .height = 240, .frames = 1};
    film.video = &picture;
    film.audio = NULL;
    film.duration_seconds = 0;
    assert_int_equal(verify("picture.jpg"), FM_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_film_passes_and_its_facts_come_back, reset),
        cmocka_unit_test_setup(what_is_not_fixed_is_not_held_against_it, reset),
        cmocka_unit_test_setup(a_missing_frame_is_seen, reset),
        cmocka_unit_test_setup(another_size_or_codec_is_seen, reset),
        cmocka_unit_test_setup(another_length_is_seen, reset),
        cmocka_unit_test_setup(a_missing_or_unexpected_stream_is_seen, reset),
        cmocka_unit_test_setup(audio_that_ends_early_is_seen_unless_it_was_expected, reset),
        cmocka_unit_test_setup(a_slow_film_passes, reset),
        cmocka_unit_test_setup(a_cut_film_is_seen, reset),
        cmocka_unit_test_setup(what_is_no_media_is_seen, reset),
        cmocka_unit_test_setup(a_song_and_a_picture_pass, reset),
    };
    av_log_set_level(AV_LOG_QUIET);
    return cmocka_run_group_tests_name("verify", tests, make_films, remove_directory);
}
