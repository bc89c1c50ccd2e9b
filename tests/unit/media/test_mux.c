/* What stands in a file and what is said of it, where its streams are far from each other or its
 * container has its own idea of them; unsealed, and verified as in a job. */
#include "tests/unit/media/run.h"

#define PACKETS 8192
/* A packet of sound or two, and as many pictures as are shown in another order than decoded. */
#define APART_SECONDS 0.2
#define APART_PICTURES 6

struct stored {
    int64_t place;
    double seconds;
    bool is_picture;
};

static int by_place(const void *one, const void *other)
{
    const struct stored *a = one, *b = other;
    return (a->place > b->place) - (a->place < b->place);
}

/* How far picture and sound are apart at most, from one packet to the next in the file. */
static double apart(const char *file)
{
    static struct stored stored[PACKETS];
    FM_AUTO(fm_file_close) int fd = open_made(file, O_RDONLY);
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    FM_AUTO(av_packet_free) AVPacket *packet = av_packet_alloc();
    struct fm_error err = {0};
    assert_true(fm_input_open(fd, size_of(fd), 7200, &input, &err));
    AVFormatContext *format = fm_input_format(input);
    int video = fm_probe_video_stream(format);
    size_t count = 0;
    while (count < PACKETS && av_read_frame(format, packet) >= 0) {
        double tick = av_q2d(format->streams[packet->stream_index]->time_base);
        stored[count++] =
            (struct stored){packet->pos, (double)packet->pts * tick, packet->stream_index == video};
        av_packet_unref(packet);
    }
    qsort(stored, count, sizeof(*stored), by_place);
    double last[2] = {0}, most = 0;
    for (size_t i = 0; i < count; i++) {
        last[stored[i].is_picture] = stored[i].seconds;
        most = fmax(most, fabs(last[0] - last[1]));
    }
    return most;
}

/* An encoder that looks ahead at 40 pictures is 40 s behind its sound when one lasts a second. */
static void a_slow_picture_and_its_sound_stand_together(void **state)
{
    (void)state;
    static const int rates[] = {1, 2, 5, 10, 15, 25};
    for (size_t i = 0; i < FM_COUNT(rates); i++) {
        FM_AUTO(run_done) struct run run = {0};
        char options[256];
        snprintf(options, sizeof(options),
                 "-f lavfi -i testsrc2=d=60:s=160x90:r=%d -f lavfi -i sine=d=60:r=44100 "
                 "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac slow.mp4",
                 rates[i]);
        ffmpeg(options);
        run.videos[ask(&run, FM_FORMAT_MKV, "slow.mkv")].height = 60;
        run.videos[ask(&run, FM_FORMAT_MP4, "small.mp4")].height = 60;
        assert_made(&run, "slow.mp4");
        assert_int_equal(see("slow.mkv").video, 60 * rates[i]);
        assert_true(apart("slow.mkv") <= APART_SECONDS + (double)APART_PICTURES / rates[i]);
        assert_true(apart("small.mp4") <= APART_SECONDS + (double)APART_PICTURES / rates[i]);
    }
}

/* None of them waits for what does not come. */
static void streams_that_begin_late_or_end_early_are_woven_all_the_same(void **state)
{
    (void)state;
    static const char *const sources[] = {"picture_late.mp4", "picture_short.mp4",
                                          "sound_short.mp4", "stills.mp4"};
    ffmpeg("-itsoffset 20 -f lavfi -i testsrc2=d=10:s=160x90:r=25 -f lavfi -i sine=d=30 "
           "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -fps_mode cfr -c:a aac "
           "picture_late.mp4");
    ffmpeg("-f lavfi -i testsrc2=d=5:s=160x90:r=25 -f lavfi -i sine=d=60 "
           "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac picture_short.mp4");
    ffmpeg("-f lavfi -i testsrc2=d=60:s=160x90:r=25 -f lavfi -i sine=d=5 "
           "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac sound_short.mp4");
    ffmpeg("-f lavfi -i testsrc2=d=600:s=160x90:r=1/30 -f lavfi -i sine=d=600 "
           "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac stills.mp4");
    for (size_t i = 0; i < FM_COUNT(sources); i++) {
        FM_AUTO(run_done) struct run run = {0};
        run.videos[ask(&run, FM_FORMAT_MKV, "woven.mkv")].height = 60;
        run.videos[ask(&run, FM_FORMAT_MP4, "woven.mp4")].height = 60;
        ask(&run, FM_FORMAT_MKV, "copied.mkv");
        assert_made(&run, sources[i]);
        assert_int_equal(see("woven.mkv").video, see(sources[i]).video);
        assert_int_equal(see("woven.mp4").video, see(sources[i]).video);
    }
}

/* RFC 7845, 5.1: 48,000 is what Opus counts in, whatever it was made of. */
static void opus_says_48000_whatever_it_was_made_of(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 16000, 22050, 24000, 44100};
    for (size_t i = 0; i < FM_COUNT(rates); i++) {
        FM_AUTO(run_done) struct run run = {0};
        char options[64];
        snprintf(options, sizeof(options), "-f lavfi -i sine=d=2:r=%d tone.wav", rates[i]);
        ffmpeg(options);
        ask(&run, FM_FORMAT_OPUS, "tone.opus");
        ask(&run, FM_FORMAT_WEBM, "tone.webm");
        run.audios[ask(&run, FM_FORMAT_OPUS, "asked.opus")].sample_rate = 16000;
        run.audios[ask(&run, FM_FORMAT_MP4, "opus.mp4")].codec = FM_CODEC_OPUS;
        assert_made(&run, "tone.wav");
        for (size_t k = 0; k < run.count; k++) {
            assert_int_equal(run.made[k].audio->sample_rate, 48000);
        }
    }
}

static void opus_takes_every_number_of_channels_and_any_bit_rate(void **state)
{
    (void)state;
    ffmpeg("-f lavfi -i sine=d=1:r=48000 -ac 8 eight.wav");
    for (uint64_t channels = 1; channels <= 8; channels++) {
        FM_AUTO(run_done) struct run run = {0};
        size_t least = ask(&run, FM_FORMAT_OPUS, "least.opus");
        size_t most = ask(&run, FM_FORMAT_WEBM, "most.webm");
        run.audios[least].channels = run.audios[most].channels = channels;
        run.audios[least].bitrate = 500;
        run.audios[most].bitrate = 512000;
        assert_made(&run, "eight.wav");
        assert_int_equal(run.made[least].audio->channels, channels);
        assert_int_equal(run.made[most].audio->channels, channels);
    }
}

/* Its bytes are samples, without a word of when they are heard. */
static void a_wav_is_as_long_as_its_samples(void **state)
{
    (void)state;
    static const char *const sources[] = {"sound_late.mp4", "hole.mkv"};
    ffmpeg(TWO_SECONDS "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac "
                       "-af aselect='lt(t\\,0.3)+gt(t\\,1.5)' hole.mkv");
    ffmpeg("-f lavfi -i testsrc=d=2:s=320x240:r=25 -itsoffset 1.2 -f lavfi -i sine=d=2:r=44100 "
           "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac sound_late.mp4");
    for (size_t i = 0; i < FM_COUNT(sources); i++) {
        FM_AUTO(run_done) struct run run = {0};
        char options[64];
        ask(&run, FM_FORMAT_WAV, "ours.wav");
        assert_made(&run, sources[i]);
        snprintf(options, sizeof(options), "-i %s theirs.wav", sources[i]);
        ffmpeg(options);
        assert_float_equal(see("ours.wav").duration, see("theirs.wav").duration, 0.0001);
        assert_float_equal(run.made[0].duration_seconds, see("ours.wav").duration, 0.0001);
    }
}

/* Below 16 kHz MP3 is MPEG 2.5's, which MPEG-4 does not know; QuickTime carries it. */
static void slow_mp3_becomes_aac_in_an_mp4(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 12000, 16000};
    for (size_t i = 0; i < FM_COUNT(rates); i++) {
        FM_AUTO(run_done) struct run run = {0};
        char options[64];
        snprintf(options, sizeof(options), "-f lavfi -i sine=d=2:r=%d tone.mp3", rates[i]);
        ffmpeg(options);
        ask(&run, FM_FORMAT_MP4, "tone.mp4");
        ask(&run, FM_FORMAT_MOV, "tone.mov");
        run.audios[ask(&run, FM_FORMAT_MP4, "asked.mp4")].codec = FM_CODEC_MP3;
        assert_made(&run, "tone.mp3");
        assert_string_equal(run.made[0].audio->codec, rates[i] < 16000 ? "aac" : "mp3");
        assert_string_equal(run.made[1].audio->codec, "mp3");
        assert_string_equal(run.made[2].audio->codec, "mp3");
        assert_int_equal(run.made[2].audio->sample_rate, 16000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_picture_and_its_sound_stand_together),
        cmocka_unit_test(streams_that_begin_late_or_end_early_are_woven_all_the_same),
        cmocka_unit_test(opus_says_48000_whatever_it_was_made_of),
        cmocka_unit_test(opus_takes_every_number_of_channels_and_any_bit_rate),
        cmocka_unit_test(a_wav_is_as_long_as_its_samples),
        cmocka_unit_test(slow_mp3_becomes_aac_in_an_mp4),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
