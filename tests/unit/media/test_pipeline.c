/* From one source to its outputs, unsealed, compared with what the ffmpeg command makes. */
#include "tests/unit/media/run.h"

static void three_outputs_come_of_one_decode(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "three.mp4", 120);
    add_output(&run, FM_FORMAT_MP3, "three.mp3");
    run.outputs[add_output(&run, FM_FORMAT_JPG, "three.jpg")].at_seconds = 1;
    assert_made(&run, "film.mp4");
    assert_int_equal(run.made[0].video->frames, 50);
    assert_int_equal(run.made[0].video->width, 160);
    assert_int_equal(run.made[0].audio->channels, 2);
    assert_true(fabs(run.made[0].duration_seconds - 2) < 0.1);
    assert_string_equal(run.made[1].audio->codec, "mp3");
    assert_string_equal(run.made[1].extension, "mp3");
    assert_null(run.made[1].video);
    assert_string_equal(run.made[2].video->codec, "mjpeg");
    assert_string_equal(run.made[2].content_type, "image/jpeg");
    assert_int_equal(run.made[2].video->frames, 1);
    assert_int_equal(run.made[2].video->width, 320);
}

static void an_mp4_begins_with_its_index(void **state)
{
    (void)state;
    assert_true(file_contains("three.mp4", "moov", 4, 64));
}

static void a_remux_keeps_every_packet(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MP4, "remux.mp4");
    assert_made(&run, "film.mp4");
    struct seen before = inspect("film.mp4"), after = inspect("remux.mp4");
    assert_int_equal(after.video, before.video);
    assert_int_equal(after.audio, before.audio);
    assert_true(fabs(after.duration - before.duration) < 0.01);
    assert_true(file_contains("remux.mp4", "moov", 4, 64));
}

static void a_transcode_is_what_the_command_makes(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "small.mp4", 120);
    assert_made(&run, "film.mp4");
    ffmpeg("-i film.mp4 -c:v libx264 -preset ultrafast -crf 23 -vf scale=-2:120 -c:a aac -b:a 128k "
           "-movflags +faststart small_reference.mp4");
    struct seen ours = inspect("small.mp4"), theirs = inspect("small_reference.mp4");
    assert_int_equal(ours.video, theirs.video);
    assert_int_equal(ours.audio, theirs.audio);
    assert_true(fabs(ours.duration - theirs.duration) < 0.001);
    assert_int_equal(ours.width, theirs.width);
    assert_true(ours.shape.num == ours.shape.den);
}

static void colours_are_handed_on(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "coloured.mp4", 0);
    add_output(&run, FM_FORMAT_JPG, "coloured.jpg");
    ffmpeg("-i film.mp4 -an -c:v libx264 -preset ultrafast -colorspace bt709 -color_range tv "
           "-color_trc bt709 -color_primaries bt709 bt709.mp4");
    assert_made(&run, "bt709.mp4");
    struct seen film = inspect("coloured.mp4"), still = inspect("coloured.jpg");
    assert_int_equal(film.colours, AVCOL_SPC_BT709);
    assert_int_equal(film.range, AVCOL_RANGE_MPEG);
    assert_int_equal(still.range, AVCOL_RANGE_JPEG);
    assert_int_equal(still.colours, AVCOL_SPC_BT470BG);
}

static void a_turned_film_is_turned_once(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "upright.mp4", 0);
    add_output(&run, FM_FORMAT_MP4, "kept.mp4");
    add_output(&run, FM_FORMAT_JPG, "upright.jpg");
    turn("film.mp4", 270, "turned.mp4");
    assert_made(&run, "turned.mp4");
    struct seen upright = inspect("upright.mp4"), kept = inspect("kept.mp4"),
                still = inspect("upright.jpg");
    assert_int_equal(upright.width, 240);
    assert_int_equal(upright.height, 320);
    assert_int_equal(upright.rotation, 0);
    assert_int_equal(kept.width, 320);
    assert_int_equal(kept.rotation, 90);
    assert_int_equal(still.width, 240);
}

static void odd_sizes_lose_a_line_at_most(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "even.mp4", 0);
    add_output(&run, FM_FORMAT_JPG, "odd.jpg");
    ffmpeg(
        "-i film.mp4 -an -vf scale=161:91,setsar=1 -pix_fmt yuv444p -c:v libx264 -preset ultrafast "
        "odd.mp4");
    assert_made(&run, "odd.mp4");
    struct seen even = inspect("even.mp4"), still = inspect("odd.jpg");
    assert_int_equal(even.width, 160);
    assert_int_equal(even.height, 90);
    assert_int_equal(still.width, 161);
    assert_int_equal(still.height, 91);
}

static void sound_keeps_its_channels_up_to_two(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MP3, "mono.mp3");
    size_t wide = add_output(&run, FM_FORMAT_MP3, "wide.mp3");
    run.audios[wide].channels = 2;
    run.audios[wide].sample_rate = 22050;
    ffmpeg("-f lavfi -i sine=d=1:r=44100 -ac 1 mono.wav");
    assert_made(&run, "mono.wav");
    assert_int_equal(run.made[0].audio->channels, 1);
    assert_int_equal(run.made[1].audio->channels, 2);
    assert_int_equal(run.made[1].audio->sample_rate, 22050);
    FM_AUTO(run_done) struct run other_run = {0};
    add_output(&other_run, FM_FORMAT_MP4, "surround.mp4");
    ffmpeg("-f lavfi -i anoisesrc=d=1:r=48000 -ac 6 surround.wav");
    assert_made(&other_run, "surround.wav");
    assert_int_equal(other_run.made[0].audio->channels, 2);
    assert_null(other_run.made[0].video);
}

/* MP4 gets a constant rate, as the command does by itself up to FFmpeg 6 and later with -fps_mode
 * cfr: frames that are shown longer are repeated. */
static void an_uneven_clock_becomes_even(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "uneven_small.mp4", 120);
    ffmpeg("-i film.mp4 -an -vf \"select='not(between(mod(n,7),2,4))'\" -fps_mode vfr "
           "-enc_time_base 1/1000 -c:v libx264 -preset ultrafast uneven.mp4");
    ffmpeg("-i uneven.mp4 -c:v libx264 -preset ultrafast -vf scale=-2:120 -fps_mode cfr "
           "uneven_reference.mp4");
    assert_made(&run, "uneven.mp4");
    struct seen ours = inspect("uneven_small.mp4"), theirs = inspect("uneven_reference.mp4");
    assert_int_equal(ours.video, theirs.video);
    assert_true(fabs(ours.duration - theirs.duration) < 0.001);
}

/* The command would repeat each still 25 times. */
static void a_row_of_stills_keeps_its_clock(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "slides_small.mp4", 120);
    ffmpeg("-i film.mp4 -an -vf \"select='lt(n,2)+not(mod(n,24))'\" -fps_mode vfr "
           "-c:v libx264 -preset ultrafast slides.mp4");
    assert_made(&run, "slides.mp4");
    struct seen before = inspect("slides.mp4"), after = inspect("slides_small.mp4");
    assert_int_equal(after.video, before.video);
    assert_true(fabs(after.duration - before.duration) < 0.1);
}

static void a_still_beyond_the_end_is_the_last_frame(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    run.outputs[add_output(&run, FM_FORMAT_JPG, "beyond.jpg")].at_seconds = 400;
    assert_made(&run, "film.mp4");
    FM_AUTO(run_done) struct run other_run = {0};
    other_run.outputs[add_output(&other_run, FM_FORMAT_JPG, "last.jpg")].at_seconds = 1.97;
    add_output(&other_run, FM_FORMAT_MP3, "beside.mp3");
    assert_made(&other_run, "film.mp4");
    assert_same_bytes("beyond.jpg", "last.jpg");
}

static void a_copy_beside_other_outputs_is_the_source(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_COPY, "copy.mp4");
    add_output(&run, FM_FORMAT_MP3, "copy.mp3");
    assert_true(run_pipeline(&run, "film.mp4"));
    assert_same_bytes("film.mp4", "copy.mp4");
}

static void the_first_error_ends_all_stages(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_transcode(&run, "refused.mp4", 120);
    size_t bad = add_transcode(&run, "bad.mp4", 120);
    run.audios[bad].bitrate = 1;
    assert_false(run_pipeline(&run, "film.mp4"));
    assert_int_equal(run.err.code, FM_UNSUPPORTED_CODEC);
    assert_non_null(strstr(run.err.detail, "aac"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_outputs_come_of_one_decode),
        cmocka_unit_test(an_mp4_begins_with_its_index),
        cmocka_unit_test(a_remux_keeps_every_packet),
        cmocka_unit_test(a_transcode_is_what_the_command_makes),
        cmocka_unit_test(colours_are_handed_on),
        cmocka_unit_test(a_turned_film_is_turned_once),
        cmocka_unit_test(odd_sizes_lose_a_line_at_most),
        cmocka_unit_test(sound_keeps_its_channels_up_to_two),
        cmocka_unit_test(an_uneven_clock_becomes_even),
        cmocka_unit_test(a_row_of_stills_keeps_its_clock),
        cmocka_unit_test(a_still_beyond_the_end_is_the_last_frame),
        cmocka_unit_test(a_copy_beside_other_outputs_is_the_source),
        cmocka_unit_test(the_first_error_ends_all_stages),
    };
    return cmocka_run_group_tests(tests, make_film, remove_directory);
}
