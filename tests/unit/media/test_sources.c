/* Sources as people have them: cut off, joined, silent, or with half of their content hidden. */
#include "tests/unit/media/run.h"

static void a_silent_film_stays_silent(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "silent_small.mp4", 120);
    ffmpeg("-i film.mp4 -c copy -an silent.mp4");
    assert_made(&run, "silent.mp4");
    assert_null(run.made[0].audio);
    FM_AUTO(run_done) struct run other_run = {0};
    add_output(&other_run, FM_FORMAT_MP3, "silent.mp3");
    assert_false(run_pipeline(&other_run, "silent.mp4"));
    assert_int_equal(other_run.err.code, FM_NO_MEDIA_FOUND);
}

static void sound_may_end_before_the_picture(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "short_small.mp4", 120);
    add_output(&run, FM_FORMAT_MP4, "short_remux.mp4");
    ffmpeg("-f lavfi -i testsrc=d=4:s=160x120:r=25 -f lavfi -i sine=d=1:r=44100 "
           "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac short.mp4");
    assert_made(&run, "short.mp4");
    assert_true(fabs(run.made[0].skew_seconds + 3) < 0.1);
    assert_true(fabs(run.made[1].skew_seconds + 3) < 0.1);
}

static void a_late_start_becomes_zero(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "late_small.mp4", 120);
    add_output(&run, FM_FORMAT_MP4, "late_remux.mp4");
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 30 late.ts");
    assert_made(&run, "late.ts");
    struct seen small = inspect("late_small.mp4"), remux = inspect("late_remux.mp4");
    /* The audio begins a frame earlier, and the first video frame fills that gap. */
    assert_int_equal(small.video, 51);
    assert_true(small.video_start < 0.1 && small.duration < 2.2);
    assert_true(remux.video_start < 0.1 && remux.duration < 2.2);
}

/* The clock of a recording jumps by minutes in the middle, and the output must not. */
static void a_jump_of_a_transport_stream_is_taken_out(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "joined_small.mp4", 120);
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 30 first.ts");
    ffmpeg("-i film.mp4 -c copy -output_ts_offset 1000 second.ts");
    shell("cat first.ts second.ts > joined.ts");
    assert_true(run_pipeline(&run, "joined.ts"));
    struct seen small = inspect("joined_small.mp4");
    assert_in_range(small.video, 100, 102);
    assert_true(fabs(small.duration - 4) < 0.3);
}

/* Each part of a chained Ogg begins at zero. */
static void a_chained_ogg_plays_on(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "chained.mp4", 120);
    add_output(&run, FM_FORMAT_MP3, "chained.mp3");
    ffmpeg("-i film.mp4 -c:v libtheora -c:a libvorbis -ac 2 link.ogv");
    shell("cat link.ogv link.ogv > chained.ogv");
    assert_made(&run, "chained.ogv");
    assert_in_range(run.made[0].video->frames, 100, 104);
    assert_true(fabs(run.made[0].duration_seconds - 4) < 0.2);
    assert_true(fabs(run.made[1].duration_seconds - 4) < 0.2);
}

/* Packets before the cut are needed for decoding and not shown. */
static void a_film_cut_without_a_transcode_shows_no_more(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MP4, "hidden_remux.mp4");
    add_transcode(&run, "hidden_small.mp4", 120);
    ffmpeg("-ss 1.2 -i film.mp4 -c copy hidden.mp4");
    assert_made(&run, "hidden.mp4");
    assert_true(fabs(run.made[0].duration_seconds - 0.8) < 0.1);
    assert_int_equal(run.made[1].video->frames, 20);
}

static void a_very_short_sound_is_a_song(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MP3, "blink.mp3");
    ffmpeg("-f lavfi -i sine=d=0.01:r=44100 blink.wav");
    assert_made(&run, "blink.wav");
    assert_true(run.made[0].duration_seconds < 0.1);
}

/* ---- cut off ---- */

static void assert_damaged(const char *source, unsigned height)
{
    FM_AUTO(run_done) struct run run = {0};
    height > 0 ? add_transcode(&run, "damaged.mp4", height)
               : add_output(&run, FM_FORMAT_MP4, "damaged.mp4");
    assert_false(run_pipeline(&run, source));
    assert_int_equal(run.err.code, FM_MEDIA_INVALID);
}

static void a_film_cut_off_is_damaged(void **state)
{
    (void)state;
    ffmpeg("-stream_loop 2 -i film.mp4 -c copy -movflags +faststart whole.mp4");
    ffmpeg("-i whole.mp4 -c copy whole.mkv");
    ffmpeg("-i whole.mp4 -c copy -movflags frag_keyframe+default_base_moof whole_parts.mp4");
    shell("for i in whole.mp4 whole.mkv whole_parts.mp4; do "
          "head -c $(( $(stat -c %s $i) / 2 )) $i > half_$i; done");
    assert_damaged("half_whole.mp4", 0);
    assert_damaged("half_whole.mp4", 120);
    assert_damaged("half_whole.mkv", 0);
    assert_damaged("half_whole.mkv", 120);
}

static void a_few_missing_bytes_are_no_damage(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "nearly.mp4", 120);
    add_output(&run, FM_FORMAT_MP4, "nearly_remux.mp4");
    shell("head -c -3000 whole.mp4 > nearly_whole.mp4");
    assert_made(&run, "nearly_whole.mp4");
    assert_true(run.made[0].duration_seconds > 5);
}

/* A live recording does not announce its length, so nothing is known to be missing. */
static void a_live_recording_that_was_cut_off_gives_what_there_is(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "recording_small.mp4", 120);
    add_output(&run, FM_FORMAT_MP4, "recording_remux.mp4");
    shell("ffmpeg -nostdin -v error -i whole.mp4 -c copy -f matroska - | cat > live.mkv");
    shell("head -c $(( $(stat -c %s live.mkv) / 2 )) live.mkv > recording.mkv");
    assert_made(&run, "recording.mkv");
    assert_in_range(run.made[0].video->frames, 50, 100);
}

/* The index lists frames that the file no longer has. */
static void a_still_of_a_truncated_film_is_its_last_frame(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    run.outputs[add_output(&run, FM_FORMAT_JPG, "cut.jpg")].at_seconds = 1.9;
    ffmpeg("-i film.mp4 -c:v libx264 -preset ultrafast -g 10 -c:a copy -movflags +faststart "
           "whole.mp4");
    shell("head -c $(( $(stat -c %s whole.mp4) / 3 )) whole.mp4 > cut.mp4");
    assert_made(&run, "cut.mp4");
}

/* ---- damage ---- */

/* Only one damaged packet is left of the audio. */
static void the_remains_of_a_stream_are_left_out(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "remains.mp4", 120);
    ffmpeg("-f lavfi -i testsrc=d=2:s=320x240:r=25 -f lavfi -i sine=d=0.02:r=44100 -c:v libx264 "
           "-preset ultrafast -c:a aac -bsf:a noise=amount=1 -strict -2 remains.mkv");
    assert_made(&run, "remains.mkv");
    assert_in_range(run.made[0].video->frames, 50, 51);
    assert_null(run.made[0].audio);
}

static void a_stream_that_is_mostly_noise_is_damaged(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MP3, "noise.mp3");
    ffmpeg("-i film.mp4 -c:v copy -c:a aac -bsf:a noise=amount=1 noise.mkv");
    assert_false(run_pipeline(&run, "noise.mkv"));
    assert_int_equal(run.err.code, FM_MEDIA_INVALID);
}

/* A film trimmed in the camera: its edit list ends the film early, and the rest is still there. */
static void what_is_hidden_behind_the_film_is_left_out(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    add_output(&run, FM_FORMAT_MP4, "trimmed_remux.mp4");
    ffmpeg("-i film.mp4 -c copy -an trimmed.mp4");
    read_all("trimmed.mp4", &bytes);
    /* After the type: version and flags, a count of 1, then a length in milliseconds. */
    char *list = memmem(bytes.data, bytes.length, "elst", 4);
    assert_non_null(list);
    memcpy(list + 12, "\0\0\x03\xe8", 4);
    write_file("trimmed.mp4", bytes.data, bytes.length);
    assert_made(&run, "trimmed.mp4");
    assert_true(fabs(run.made[0].duration_seconds - 1) < 0.2);
}

/* A format without timestamps plays its content without gaps. */
static void gaps_in_the_sound_are_not_in_the_song(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MP3, "gaps.mp3");
    ffmpeg("-f lavfi -i sine=d=3:r=44100 -af \"aselect='not(between(t,1,2))'\" -c:a flac gaps.mkv");
    assert_made(&run, "gaps.mkv");
    assert_true(fabs(run.made[0].duration_seconds - 2) < 0.2);
}

static void a_picture_nothing_can_be_decoded_of_is_not_remuxed(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MP4, "nothing.mp4");
    ffmpeg("-i film.mp4 -c copy -bsf:v noise=amount=1 nothing.mkv");
    assert_false(run_pipeline(&run, "nothing.mkv"));
    assert_int_equal(run.err.code, FM_MEDIA_INVALID);
}

/* The test adds Exif data for a camera held upright, because the ffmpeg command writes none. */
static void a_photograph_stands_upright(void **state)
{
    (void)state;
    static const char exif[] = "\xff\xe1\0\x22"
                               "Exif\0\0MM\0*\0\0\0\x08\0\x01"
                               "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0";
    FM_AUTO(run_done) struct run run = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    FM_AUTO(fm_text_done) struct fm_text photograph = {0};
    add_output(&run, FM_FORMAT_JPG, "upright.jpg");
    ffmpeg("-i film.mp4 -frames:v 1 lying.jpg");
    read_all("lying.jpg", &bytes);
    fm_text_append_bytes(&photograph, bytes.data, 2);
    fm_text_append_bytes(&photograph, exif, sizeof(exif));
    fm_text_append_bytes(&photograph, bytes.data + 2, bytes.length - 2);
    write_file("photograph.jpg", photograph.data, photograph.length);
    assert_made(&run, "photograph.jpg");
    assert_int_equal(run.made[0].video->width, 240);
    assert_int_equal(run.made[0].video->height, 320);
}

/* ---- limits ---- */

static void a_film_longer_than_its_header_says_is_stopped_at_the_limit(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {.max_seconds = 2};
    add_output(&run, FM_FORMAT_MP4, "endless.mp4");
    assert_false(run_pipeline(&run, "live.mkv"));
    assert_int_equal(run.err.code, FM_MEDIA_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_film_stays_silent),
        cmocka_unit_test(sound_may_end_before_the_picture),
        cmocka_unit_test(a_late_start_becomes_zero),
        cmocka_unit_test(a_jump_of_a_transport_stream_is_taken_out),
        cmocka_unit_test(a_chained_ogg_plays_on),
        cmocka_unit_test(a_film_cut_without_a_transcode_shows_no_more),
        cmocka_unit_test(a_very_short_sound_is_a_song),
        cmocka_unit_test(a_film_cut_off_is_damaged),
        cmocka_unit_test(a_few_missing_bytes_are_no_damage),
        cmocka_unit_test(a_live_recording_that_was_cut_off_gives_what_there_is),
        cmocka_unit_test(a_still_of_a_truncated_film_is_its_last_frame),
        cmocka_unit_test(the_remains_of_a_stream_are_left_out),
        cmocka_unit_test(a_stream_that_is_mostly_noise_is_damaged),
        cmocka_unit_test(what_is_hidden_behind_the_film_is_left_out),
        cmocka_unit_test(gaps_in_the_sound_are_not_in_the_song),
        cmocka_unit_test(a_picture_nothing_can_be_decoded_of_is_not_remuxed),
        cmocka_unit_test(a_photograph_stands_upright),
        cmocka_unit_test(a_film_longer_than_its_header_says_is_stopped_at_the_limit),
    };
    return cmocka_run_group_tests_name("sources", tests, make_film, remove_directory);
}
