/*
 * How packets lie in a file and whether its facts are right, where streams are far apart or a
 * container has rules of its own; unsealed, and verified as in a job.
 */
#include "tests/unit/media/run.h"

#define PACKETS 8192
/* How far audio and video packets that are neighbours in the file may be apart: a packet or two of
 * audio, and as many frames as may be reordered. */
#define APART_SECONDS 0.2
#define APART_PICTURES 6

struct stored {
    int64_t offset;
    double seconds;
    bool is_picture;
};

static int compare_offsets(const void *one, const void *other)
{
    const struct stored *a = one, *b = other;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* The greatest distance in seconds between video and audio, from one packet to the next in the
 * file.
 */
static double measure_distance(const char *file)
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
    qsort(stored, count, sizeof(*stored), compare_offsets);
    double last[2] = {0}, most = 0;
    for (size_t i = 0; i < count; i++) {
        last[stored[i].is_picture] = stored[i].seconds;
        most = fmax(most, fabs(last[0] - last[1]));
    }
    return most;
}

/* At one frame a second, an encoder that looks ahead by 40 frames is 40 s behind the audio. */
static void slow_video_and_its_audio_are_interleaved(void **state)
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
        run.videos[add_output(&run, FM_FORMAT_MKV, "slow.mkv")].height = 60;
        run.videos[add_output(&run, FM_FORMAT_MP4, "small.mp4")].height = 60;
        assert_made(&run, "slow.mp4");
        assert_int_equal(inspect("slow.mkv").video, 60 * rates[i]);
        assert_true(measure_distance("slow.mkv") <=
                    APART_SECONDS + (double)APART_PICTURES / rates[i]);
        assert_true(measure_distance("small.mp4") <=
                    APART_SECONDS + (double)APART_PICTURES / rates[i]);
    }
}

/* No stream waits for another that has not begun or has ended. */
static void streams_that_begin_late_or_end_early_are_interleaved(void **state)
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
        run.videos[add_output(&run, FM_FORMAT_MKV, "woven.mkv")].height = 60;
        run.videos[add_output(&run, FM_FORMAT_MP4, "woven.mp4")].height = 60;
        add_output(&run, FM_FORMAT_MKV, "copied.mkv");
        assert_made(&run, sources[i]);
        assert_int_equal(inspect("woven.mkv").video, inspect(sources[i]).video);
        assert_int_equal(inspect("woven.mp4").video, inspect(sources[i]).video);
    }
}

/* RFC 7845, 5.1: 48,000 is what Opus counts in, whatever it was made of. */
static void opus_has_48000_whatever_it_was_made_of(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 16000, 22050, 24000, 44100};
    for (size_t i = 0; i < FM_COUNT(rates); i++) {
        FM_AUTO(run_done) struct run run = {0};
        char options[64];
        snprintf(options, sizeof(options), "-f lavfi -i sine=d=2:r=%d tone.wav", rates[i]);
        ffmpeg(options);
        add_output(&run, FM_FORMAT_OPUS, "tone.opus");
        add_output(&run, FM_FORMAT_WEBM, "tone.webm");
        run.audios[add_output(&run, FM_FORMAT_OPUS, "asked.opus")].sample_rate = 16000;
        run.audios[add_output(&run, FM_FORMAT_MP4, "opus.mp4")].codec = FM_CODEC_OPUS;
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
        size_t least = add_output(&run, FM_FORMAT_OPUS, "least.opus");
        size_t most = add_output(&run, FM_FORMAT_WEBM, "most.webm");
        run.audios[least].channels = run.audios[most].channels = channels;
        run.audios[least].bitrate = 500;
        run.audios[most].bitrate = 512000;
        assert_made(&run, "eight.wav");
        assert_int_equal(run.made[least].audio->channels, channels);
        assert_int_equal(run.made[most].audio->channels, channels);
    }
}

/* A WAV contains samples and no timestamps. */
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
        add_output(&run, FM_FORMAT_WAV, "ours.wav");
        assert_made(&run, sources[i]);
        snprintf(options, sizeof(options), "-i %s theirs.wav", sources[i]);
        ffmpeg(options);
        assert_float_equal(inspect("ours.wav").duration, inspect("theirs.wav").duration, 0.0001);
        assert_float_equal(run.made[0].duration_seconds, inspect("ours.wav").duration, 0.0001);
    }
}

/* Below 16 kHz MP3 is MPEG 2.5, which MP4 cannot hold and MOV can. */
static void slow_mp3_becomes_aac_in_an_mp4(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 12000, 16000};
    for (size_t i = 0; i < FM_COUNT(rates); i++) {
        FM_AUTO(run_done) struct run run = {0};
        char options[64];
        snprintf(options, sizeof(options), "-f lavfi -i sine=d=2:r=%d tone.mp3", rates[i]);
        ffmpeg(options);
        add_output(&run, FM_FORMAT_MP4, "tone.mp4");
        add_output(&run, FM_FORMAT_MOV, "tone.mov");
        run.audios[add_output(&run, FM_FORMAT_MP4, "asked.mp4")].codec = FM_CODEC_MP3;
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
        cmocka_unit_test(slow_video_and_its_audio_are_interleaved),
        cmocka_unit_test(streams_that_begin_late_or_end_early_are_interleaved),
        cmocka_unit_test(opus_has_48000_whatever_it_was_made_of),
        cmocka_unit_test(opus_takes_every_number_of_channels_and_any_bit_rate),
        cmocka_unit_test(a_wav_is_as_long_as_its_samples),
        cmocka_unit_test(slow_mp3_becomes_aac_in_an_mp4),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
