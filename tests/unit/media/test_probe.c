/* The facts of sources that the test has made and therefore knows. */
#include "tests/unit/media/fixture.h"

#include <math.h>

#include "worker/media/input.h"
#include "worker/media/probe.h"

struct probed {
    int fd;
    struct fm_input *input;
    struct fm_arena arena;
    struct fm_source_facts facts;
    struct fm_error err;
};

static bool probe(struct probed *probed, const char *name)
{
    probed->fd = open_made(name, O_RDONLY);
    return fm_input_open(probed->fd, size_of(probed->fd), 3600, &probed->input, &probed->err) &&
           fm_probe_source(fm_input_format(probed->input), &probed->arena, &probed->facts,
                           &probed->err);
}

static void probed_done(struct probed *probed)
{
    fm_input_destroy(&probed->input);
    fm_arena_done(&probed->arena);
    fm_file_close(&probed->fd);
}

static void a_film_has_video_and_audio(void **state)
{
    (void)state;
    FM_AUTO(probed_done) struct probed film = {.fd = -1};
    ffmpeg(TWO_SECONDS "-ac 2 film.mp4");
    assert_true(probe(&film, "film.mp4"));
    assert_string_equal(film.facts.container, "mov,mp4,m4a,3gp,3g2,mj2");
    assert_true(fabs(film.facts.duration_seconds - 2) < 0.1);
    assert_string_equal(film.facts.video->codec, "h264");
    assert_int_equal(film.facts.video->width, 320);
    assert_int_equal(film.facts.video->height, 240);
    assert_true(fabs(film.facts.video->frame_rate - 25) < 0.01);
    assert_string_equal(film.facts.audio->codec, "aac");
    assert_int_equal(film.facts.audio->channels, 2);
    assert_int_equal(film.facts.audio->sample_rate, 44100);
}

static void a_turned_film_is_as_high_as_it_was_wide(void **state)
{
    (void)state;
    FM_AUTO(probed_done) struct probed film = {.fd = -1};
    turn("film.mp4", 270, "turned.mp4");
    assert_true(probe(&film, "turned.mp4"));
    assert_int_equal(film.facts.video->width, 240);
    assert_int_equal(film.facts.video->height, 320);
    AVFormatContext *format = fm_input_format(film.input);
    assert_int_equal(fm_probe_rotation(format->streams[fm_probe_video_stream(format)]), 90);
}

static void a_cover_is_not_video(void **state)
{
    (void)state;
    FM_AUTO(probed_done) struct probed song = {.fd = -1};
    ffmpeg("-i film.mp4 -frames:v 1 cover.png");
    ffmpeg("-i film.mp4 -i cover.png -map 0:a -map 1:v -c:v copy song.mp3");
    assert_true(probe(&song, "song.mp3"));
    assert_null(song.facts.video);
    assert_string_equal(song.facts.audio->codec, "mp3");
    assert_int_equal(fm_probe_video_stream(fm_input_format(song.input)), -1);
}

static void a_length_does_not_count_from_zero(void **state)
{
    (void)state;
    FM_AUTO(probed_done) struct probed late = {.fd = -1}, film = {.fd = -1};
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 5 late.mkv");
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 5 late.ts");
    assert_true(probe(&late, "late.mkv"));
    assert_true(fabs(late.facts.duration_seconds - 2) < 0.1);
    assert_true(probe(&film, "late.ts"));
    assert_true(fabs(film.facts.duration_seconds - 2) < 0.1);
}

static void a_picture_alone_has_no_length(void **state)
{
    (void)state;
    FM_AUTO(probed_done) struct probed picture = {.fd = -1};
    assert_true(probe(&picture, "cover.png"));
    assert_true(picture.facts.duration_seconds == 0);
    assert_string_equal(picture.facts.video->codec, "png");
    assert_null(picture.facts.audio);
}

static void text_alone_is_no_media(void **state)
{
    (void)state;
    FM_AUTO(probed_done) struct probed words = {.fd = -1};
    static const char subtitles[] = "1\n00:00:00,000 --> 00:00:01,000\nhello\n";
    write_file("words.srt", subtitles, strlen(subtitles));
    ffmpeg("-i words.srt words.mkv");
    assert_false(probe(&words, "words.mkv"));
    assert_int_equal(words.err.code, FM_NO_MEDIA_FOUND);
}

static void a_container_without_streams_is_no_media(void **state)
{
    (void)state;
    FM_AUTO(probed_done) struct probed nothing = {.fd = -1};
    static const char header[] = "\0\0\0\30ftypisom\0\0\2\0isommp41\0\0\0\10moov\0\0\0\10mdat";
    write_file("nothing.mp4", header, sizeof(header) - 1);
    assert_false(probe(&nothing, "nothing.mp4"));
    assert_int_equal(nothing.err.code, FM_NO_MEDIA_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_film_has_video_and_audio),
        cmocka_unit_test(a_turned_film_is_as_high_as_it_was_wide),
        cmocka_unit_test(a_cover_is_not_video),
        cmocka_unit_test(a_length_does_not_count_from_zero),
        cmocka_unit_test(a_picture_alone_has_no_length),
        cmocka_unit_test(text_alone_is_no_media),
        cmocka_unit_test(a_container_without_streams_is_no_media),
    };
    av_log_set_level(AV_LOG_QUIET);
    return cmocka_run_group_tests_name("probe", tests, make_directory, remove_directory);
}
