/* Every format, fit and part, compared with what the ffmpeg command makes of the same source. */
#include "tests/unit/media/run.h"

/* The first line of ffprobe's output; overwritten by the next call. */
static const char *run_ffprobe(const char *file, const char *options)
{
    static char answer[256];
    char command[512];
    snprintf(command, sizeof(command), "cd %s && ffprobe -v error -of csv=p=0 %s %s", directory,
             options, file);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(answer, 1, sizeof(answer) - 1, pipe);
    answer[length] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    assert_int_equal(pclose(pipe), 0);
    return answer;
}

static double read_seconds(const char *file)
{
    return strtod(run_ffprobe(file, "-show_entries format=duration"), NULL);
}

static const char *read_codecs(const char *file)
{
    static char codecs[2][32];
    static char both[80];
    const char *kinds[] = {"v", "a"};
    for (size_t i = 0; i < 2; i++) {
        char options[80];
        snprintf(options, sizeof(options), "-select_streams %s -show_entries stream=codec_name",
                 kinds[i]);
        snprintf(codecs[i], sizeof(codecs[i]), "%.31s", run_ffprobe(file, options));
    }
    snprintf(both, sizeof(both), "%s %s", codecs[0], codecs[1]);
    return both;
}

static const char *read_picture(const char *file)
{
    return run_ffprobe(file, "-select_streams v -count_frames "
                             "-show_entries stream=width,height,nb_read_frames");
}

/* How similar two films are, frame by frame (SSIM); 1: identical. */
static double measure_ssim(const char *one, const char *other)
{
    char command[512], line[256] = "";
    snprintf(command, sizeof(command),
             "cd %s && ffmpeg -nostdin -v info -i %s -i %s -lavfi "
             "'[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]ssim' -f null - 2>&1 | "
             "sed -n 's/.*SSIM.*All:\\([0-9.]*\\).*/\\1/p'",
             directory, one, other);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof(line), pipe));
    assert_int_equal(pclose(pipe), 0);
    return strtod(line, NULL);
}

/* ---- formats ---- */

static const struct made {
    enum fm_format format;
    const char *file, *codecs, *picture;
    double seconds;
} formats[] = {
    {FM_FORMAT_MP4, "a.mp4", "h264 aac", "320,240,50", 2},
    {FM_FORMAT_MOV, "a.mov", "h264 aac", "320,240,50", 2},
    {FM_FORMAT_MKV, "a.mkv", "h264 aac", "320,240,50", 2},
    {FM_FORMAT_WEBM, "a.webm", "vp9 opus", "320,240,50", 2},
    {FM_FORMAT_MP3, "a.mp3", " mp3", "", 2},
    {FM_FORMAT_M4A, "a.m4a", " aac", "", 2},
    {FM_FORMAT_WAV, "a.wav", " pcm_s16le", "", 2},
    {FM_FORMAT_OPUS, "a.opus", " opus", "", 2},
    {FM_FORMAT_FLAC, "a.flac", " flac", "", 2},
    {FM_FORMAT_GIF, "a.gif", "gif ", "320,240,20", 2},
    {FM_FORMAT_JPG, "a.jpg", "mjpeg ", "320,240,1", 0},
};

static void assert_format(const char *source, const struct made *made)
{
    FM_AUTO(run_done) struct run run = {0};
    size_t i = add_output(&run, made->format, made->file);
    run.videos[i].preset = made->format == FM_FORMAT_WEBM ? "ultrafast" : NULL;
    assert_made(&run, source);
    assert_string_equal(read_codecs(made->file), made->codecs);
    assert_string_equal(read_picture(made->file), made->picture);
    if (made->seconds > 0) {
        assert_float_equal(read_seconds(made->file), made->seconds, 0.12);
    }
    assert_float_equal(run.made[0].duration_seconds, made->seconds, 0.12);
}

static void every_format_is_made_of_a_film(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(formats); i++) {
        assert_format("film.mp4", &formats[i]);
    }
}

/* A transport stream's packets carry their parameters; files keep them in the header. */
static void streams_are_remuxed_into_every_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(formats); i++) {
        const struct fm_format_row *row = fm_formats_row(formats[i].format);
        if (row->audio == FM_CODEC_AAC) {
            assert_format("film.ts", &formats[i]);
        }
    }
}

/* A live recording does not say how long it is, so its frames must not all wait for one palette. */
static void a_recording_becomes_a_gif_picture_by_picture(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    shell("ffmpeg -v error -i film.mp4 -c copy -f matroska - </dev/null | cat >recording.mkv");
    size_t i = add_output(&run, FM_FORMAT_GIF, "recording.gif");
    run.videos[i].width = 100;
    assert_made(&run, "recording.mkv");
    assert_string_equal(read_picture("recording.gif"), "100,75,21");
    FM_AUTO(run_done) struct run still = {0};
    add_output(&still, FM_FORMAT_GIF, "still.gif");
    ffmpeg("-i film.mp4 -frames:v 1 still.png");
    assert_made(&still, "still.png");
    assert_string_equal(read_picture("still.gif"), "320,240,1");
}

/* A format that cannot store the rotation would show the film on its side. */
static void a_turned_film_stands_upright_in_every_file(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    add_output(&run, FM_FORMAT_MOV, "upright.mov");
    add_output(&run, FM_FORMAT_MKV, "upright.mkv");
    add_output(&run, FM_FORMAT_GIF, "upright.gif");
    assert_made(&run, "turned.mp4");
    assert_int_equal(inspect("upright.mov").rotation, inspect("turned.mp4").rotation);
    assert_string_equal(read_picture("upright.mkv"), "240,320,50");
    assert_string_equal(read_picture("upright.gif"), "240,320,20");
    FM_AUTO(run_done) struct run copy = {0};
    copy.videos[add_output(&copy, FM_FORMAT_MKV, "copy.mkv")].codec = FM_CODEC_COPY;
    assert_false(run_pipeline(&copy, "turned.mp4"));
    assert_int_equal(copy.err.code, FM_UNSUPPORTED_CODEC);
}

/* ---- fits ---- */

static void assert_like(const char *source, enum fm_fit fit, unsigned width, unsigned height,
                        const char *filters)
{
    char options[512];
    FM_AUTO(run_done) struct run run = {0};
    size_t i = add_transcode(&run, "fit.mp4", height);
    run.videos[i].width = width;
    run.videos[i].fit = fit;
    run.videos[i].crf = 10;
    assert_made(&run, source);
    snprintf(
        options, sizeof(options),
        "-i %s -vf %s,setsar=1 -c:v libx264 -preset ultrafast -crf 10 -pix_fmt yuv420p like.mp4",
        source, filters);
    ffmpeg(options);
    char ours[64];
    snprintf(ours, sizeof(ours), "%s", read_picture("fit.mp4"));
    assert_string_equal(ours, read_picture("like.mp4"));
    double alike = measure_ssim("fit.mp4", "like.mp4");
    assert_true(alike > 0.98);
}

static void fits_are_those_of_ffmpegs_filters(void **state)
{
    (void)state;
    assert_like(
        "film.mp4", FM_FIT_COVER, 90, 160,
        "scale=90:160:force_original_aspect_ratio=increase:force_divisible_by=2,crop=90:160");
    assert_like(
        "film.mp4", FM_FIT_COVER, 480, 200,
        "scale=480:200:force_original_aspect_ratio=increase:force_divisible_by=2,crop=480:200");
    assert_like("film.mp4", FM_FIT_PAD, 90, 160,
                "scale=90:160:force_original_aspect_ratio=decrease:force_divisible_by=2,"
                "pad=90:160:-1:-1");
    assert_like("film.mp4", FM_FIT_PAD, 480, 200,
                "scale=480:200:force_original_aspect_ratio=decrease:force_divisible_by=2,"
                "pad=480:200:-1:-1");
    assert_like("film.mp4", FM_FIT_CONTAIN, 160, 160, "scale=160:120");
    assert_like("wide.mp4", FM_FIT_COVER, 200, 200, "scale=534:200,crop=200:200");
    assert_like("wide.mp4", FM_FIT_PAD, 200, 200, "scale=200:76,pad=200:200:0:62");
    assert_like("turned.mp4", FM_FIT_PAD, 200, 200, "scale=150:200,pad=200:200:25:0");
}

/* ---- parts ---- */

static void set_part(struct run *run, size_t i, double start, double end, enum fm_accuracy accuracy)
{
    static struct fm_spec_trim parts[OUTPUTS];
    parts[i] = (struct fm_spec_trim){start, end, accuracy};
    run->outputs[i].trim = &parts[i];
}

static void assert_part(const char *source, double start, double end)
{
    char options[512];
    FM_AUTO(run_done) struct run run = {0};
    size_t i = add_transcode(&run, "part.mp4", 0);
    run.videos[i].crf = 10;
    set_part(&run, i, start, end, FM_ACCURACY_EXACT);
    set_part(&run, add_output(&run, FM_FORMAT_WAV, "part.wav"), start, end, FM_ACCURACY_EXACT);
    assert_made(&run, source);
    char seek[64];
    snprintf(seek, sizeof(seek), "-ss %f -to %f", start, end);
    snprintf(options, sizeof(options),
             "-i %s %s -c:v libx264 -preset ultrafast -crf 10 -fps_mode cfr like.mp4 "
             "%s -c:a pcm_s16le -ac 2 like.wav",
             source, seek, seek);
    ffmpeg(options);
    char ours[64];
    snprintf(ours, sizeof(ours), "%s", read_picture("part.mp4"));
    assert_string_equal(ours, read_picture("like.mp4"));
    assert_true(measure_ssim("part.mp4", "like.mp4") > 0.98);
    assert_float_equal(read_seconds("part.wav"), read_seconds("like.wav"), 0.0015);
}

static void parts_are_those_of_ffmpegs_seeking(void **state)
{
    (void)state;
    assert_part("film.mp4", 0.52, 1.4);
    assert_part("film.mp4", 0, 0.8);
    assert_part("film.mkv", 1.2, 1.72);
    assert_part("film.ts", 0.4, 1.2);
    assert_part("film.webm", 0.48, 1.2);
    assert_part("ntsc.mp4", 0.5, 1.5);
}

static void a_remuxed_part_begins_at_the_keyframe_before(void **state)
{
    (void)state;
    static const char *const sources[] = {"keys.mp4", "keys.mkv", "keys.ts"};
    for (size_t i = 0; i < FM_COUNT(sources); i++) {
        FM_AUTO(run_done) struct run run = {0};
        set_part(&run, add_output(&run, FM_FORMAT_MP4, "part.mp4"), 1.3, 1.7, FM_ACCURACY_KEYFRAME);
        set_part(&run, add_output(&run, FM_FORMAT_MKV, "part.mkv"), 1.3, 1.7, FM_ACCURACY_KEYFRAME);
        assert_made(&run, sources[i]);
        assert_non_null(strstr(run.made[0].reason, "video: remux"));
        assert_float_equal(read_seconds("part.mp4"), 0.7, 0.13);
        assert_float_equal(read_seconds("part.mkv"), 0.7, 0.13);
        struct seen seen = inspect("part.mp4");
        assert_true(seen.video >= 17 && seen.video <= 20);
        assert_true(fabs(seen.video_start) < 0.05);
    }
}

/* Frames that are shown for a while: the frame on show when the part starts is its first. */
static void an_uneven_film_is_cut_where_it_stands(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    size_t i = add_output(&run, FM_FORMAT_MKV, "stands.mkv");
    run.videos[i].codec = FM_CODEC_H264;
    set_part(&run, i, 0.7, 1.6, FM_ACCURACY_EXACT);
    assert_made(&run, "uneven.mkv");
    assert_string_equal(run_ffprobe("stands.mkv", "-show_entries packet=pts_time"), "0.000000");
    assert_float_equal(run.made[0].duration_seconds, 0.9, 0.03);
    FM_AUTO(run_done) struct run even_run = {0};
    i = add_transcode(&even_run, "even.mp4", 0);
    set_part(&even_run, i, 0.7, 1.6, FM_ACCURACY_EXACT);
    assert_made(&even_run, "uneven.mkv");
    assert_float_equal(even_run.made[0].duration_seconds, 0.9, 0.03);
}

static void the_last_moments_of_a_film_are_a_part(void **state)
{
    (void)state;
    FM_AUTO(run_done) struct run run = {0};
    set_part(&run, add_output(&run, FM_FORMAT_WAV, "tail.wav"), 1.9, 1000000, FM_ACCURACY_EXACT);
    set_part(&run, add_output(&run, FM_FORMAT_JPG, "tail.jpg"), 1.9, 1000000, FM_ACCURACY_EXACT);
    set_part(&run, add_output(&run, FM_FORMAT_GIF, "tail.gif"), 1.99, 9, FM_ACCURACY_EXACT);
    assert_made(&run, "film.mp4");
    assert_float_equal(run.made[0].duration_seconds, 0.1, 0.03);
    assert_int_equal(run.made[2].video->frames, 1);
}

static int make_films(void **state)
{
    if (make_film(state) != 0) {
        return -1;
    }
    ffmpeg("-i film.mp4 -c copy film.ts");
    ffmpeg("-i film.mp4 -c copy film.mkv");
    turn("film.mp4", 90, "turned.mp4");
    ffmpeg("-i film.mp4 -vf setsar=2 -c:v libx264 -preset ultrafast -c:a copy wide.mp4");
    ffmpeg("-i film.mp4 -c:v libvpx -deadline realtime -cpu-used 8 -b:v 1M -c:a libopus film.webm");
    ffmpeg("-i film.mp4 -r 30000/1001 -c:v libx264 -preset ultrafast -c:a copy ntsc.mp4");
    ffmpeg("-i film.mp4 -c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a copy keys.mp4 "
           "-c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a copy keys.mkv "
           "-c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a copy keys.ts");
    ffmpeg("-f lavfi -i testsrc=d=2:s=320x240:r=25 -vf "
           "select='eq(n\\,0)+eq(n\\,10)+eq(n\\,12)+eq(n\\,30)+eq(n\\,49)' -fps_mode vfr "
           "-c:v libx264 "
           "-preset ultrafast uneven.mkv");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_made_of_a_film),
        cmocka_unit_test(streams_are_remuxed_into_every_file),
        cmocka_unit_test(a_recording_becomes_a_gif_picture_by_picture),
        cmocka_unit_test(a_turned_film_stands_upright_in_every_file),
        cmocka_unit_test(fits_are_those_of_ffmpegs_filters),
        cmocka_unit_test(parts_are_those_of_ffmpegs_seeking),
        cmocka_unit_test(a_remuxed_part_begins_at_the_keyframe_before),
        cmocka_unit_test(an_uneven_film_is_cut_where_it_stands),
        cmocka_unit_test(the_last_moments_of_a_film_are_a_part),
    };
    return cmocka_run_group_tests(tests, make_films, remove_directory);
}
