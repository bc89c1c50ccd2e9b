/* Which sources are opened, which are refused, and with which error. */
#include "tests/unit/media/fixture.h"

#include <dirent.h>
#include <math.h>
#include <sys/resource.h>

#include "worker/media/input.h"
#include "worker/media/probe.h"

#define AN_HOUR 3600

/* The error of opening the file; FM_NONE if it opens. */
static enum fm_error_code open_fd(int fd, uint64_t max_seconds)
{
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    struct fm_error err = {0};
    if (fm_input_open(fd, size_of(fd), max_seconds, &input, &err)) {
        return FM_NONE;
    }
    assert_null(input);
    return err.code;
}

static enum fm_error_code open_named(const char *name, uint64_t max_seconds)
{
    FM_AUTO(fm_file_close) int fd = open_made(name, O_RDONLY);
    return open_fd(fd, max_seconds);
}

static enum fm_error_code open_text(const char *text)
{
    write_file("text", text, strlen(text));
    return open_named("text", AN_HOUR);
}

static void every_container_people_use_is_opened(void **state)
{
    (void)state;
    static const char *const names[] = {"a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi",  "a.ts",
                                        "a.mpg", "a.flv", "a.ogg", "a.mp3",  "a.flac", "a.wav",
                                        "a.aac", "a.gif", "a.png", "a.jpg",  "a.webp", "a.wmv"};
    ffmpeg(TWO_SECONDS "a.mp4 a.mov a.mkv -c:v libvpx -deadline realtime -c:a libopus a.webm a.avi "
                       "a.ts a.mpg a.flv -vn a.ogg -vn a.mp3 -vn a.flac -vn a.wav -vn a.aac a.gif "
                       "-frames:v 1 a.png -frames:v 1 a.jpg -frames:v 1 a.webp a.wmv");
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        enum fm_error_code code = open_named(names[i], AN_HOUR);
        if (code != FM_NONE) {
            print_error("%s: %s\n", names[i], fm_error_row(code)->public_code);
        }
        assert_int_equal(code, FM_NONE);
    }
}

static void a_playlist_is_no_container(void **state)
{
    (void)state;
    assert_int_equal(open_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n"
                               "file:///etc/passwd\n#EXT-X-ENDLIST\n"),
                     FM_UNSUPPORTED_CONTAINER);
    assert_int_equal(open_text("ffconcat version 1.0\nfile /etc/passwd\n"),
                     FM_UNSUPPORTED_CONTAINER);
    assert_int_equal(open_text("<?xml version=\"1.0\"?>\n"
                               "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"\n"
                               "profiles=\"urn:mpeg:dash:profile:isoff-live:2011\">\n"
                               "<BaseURL>http://127.0.0.1/</BaseURL></MPD>\n"),
                     FM_UNSUPPORTED_CONTAINER);
    assert_int_equal(open_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n"
                               "t=0 0\nm=video 5000 RTP/AVP 96\n"),
                     FM_UNSUPPORTED_CONTAINER);
}

static void text_is_no_container(void **state)
{
    (void)state;
    assert_int_equal(open_text(""), FM_UNSUPPORTED_CONTAINER);
    assert_int_equal(open_text("x"), FM_UNSUPPORTED_CONTAINER);
    assert_int_equal(open_text("<!DOCTYPE html><html><body>no</body></html>\n"),
                     FM_UNSUPPORTED_CONTAINER);
    assert_int_equal(open_text("{\"error\":\"not found\"}\n"), FM_UNSUPPORTED_CONTAINER);
}

static long peak_kilobytes(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void a_picture_of_too_many_pixels_costs_no_memory(void **state)
{
    (void)state;
    ffmpeg("-f lavfi -i color=s=16000x16000 -frames:v 1 -pix_fmt gray big.png");
    long before = peak_kilobytes();
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_source_facts facts;
    struct fm_error err = {0};
    FM_AUTO(fm_file_close) int fd = open_made("big.png", O_RDONLY);
    assert_false(fm_input_open(fd, size_of(fd), AN_HOUR, &input, &err) &&
                 fm_probe_source(fm_input_format(input), &arena, &facts, &err));
    assert_int_equal(err.code, FM_MEDIA_TOO_LARGE);
    assert_true(SANITIZED || peak_kilobytes() - before < 100000);
}

static void more_streams_than_allowed_are_refused(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text arguments = {0};
    fm_text_append(&arguments, "-f lavfi -i sine=d=0.1 -c:a aac ");
    for (int i = 0; i < FM_INPUT_MAX_STREAMS + 1; i++) {
        fm_text_append(&arguments, "-map 0 ");
    }
    fm_text_append(&arguments, "many.mp4");
    ffmpeg(fm_text_get(&arguments));
    assert_int_equal(open_named("many.mp4", AN_HOUR), FM_MEDIA_TOO_LARGE);
}

/* The header of an MP4 with nothing but empty tracks, eight bytes each. */
static void a_header_of_countless_tracks_is_refused(void **state)
{
    (void)state;
    enum { TRACKS = 200000 };
    size_t length = 32 + (size_t)TRACKS * 8;
    FM_AUTO_FREE uint8_t *bytes = fm_alloc(length);
    static const uint8_t type[] = "\0\0\0\x18"
                                  "ftypisom\0\0\2\0isommp41";
    memcpy(bytes, type, 24);
    uint32_t moov = (uint32_t)length - 24;
    for (int i = 0; i < 4; i++) {
        bytes[24 + i] = (uint8_t)(moov >> (24 - 8 * i));
    }
    memcpy(bytes + 28, "moov", 4);
    for (size_t i = 0; i < TRACKS; i++) {
        memcpy(bytes + 32 + i * 8, "\0\0\0\x8trak", 8);
    }
    write_file("tracks.mp4", bytes, length);
    assert_int_equal(open_named("tracks.mp4", AN_HOUR), FM_MEDIA_TOO_LARGE);
}

static void a_longer_source_than_allowed_is_refused(void **state)
{
    (void)state;
    assert_int_equal(open_named("a.mp4", 1), FM_MEDIA_TOO_LONG);
    assert_int_equal(open_named("a.mp4", 3), FM_NONE);
}

/* The first part of a film of hours still has the header of the whole. */
static void an_incredible_duration_is_measured(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    struct fm_error err = {0};
    char path[PATH_MAX];
    ffmpeg("-i a.mp4 -c copy liar.mkv");
    snprintf(path, sizeof(path), "%s/liar.mkv", directory);
    assert_true(fm_file_read(path, 16 << 20, &bytes, &err));
    /* The Duration element: its id, a length of 8, then 2^27 milliseconds as a double. */
    char *field = memmem(bytes.data, bytes.length, "\x44\x89\x88", 3);
    assert_non_null(field);
    memcpy(field + 3, "\x41\xa0\0\0\0\0\0\0", 8);
    write_file("liar.mkv", bytes.data, bytes.length);
    FM_AUTO(fm_file_close) int fd = open_made("liar.mkv", O_RDONLY);
    assert_true(fm_input_open(fd, size_of(fd), AN_HOUR, &input, &err));
    assert_true(fabs(fm_probe_duration(fm_input_format(input)) - 2) < 0.2);
}

static void more_frames_a_second_than_allowed_are_refused(void **state)
{
    (void)state;
    ffmpeg("-f lavfi -i testsrc=d=0.2:s=64x64:r=500 fast.mp4");
    assert_int_equal(open_named("fast.mp4", AN_HOUR), FM_MEDIA_TOO_LARGE);
}

static void an_encrypted_source_is_refused(void **state)
{
    (void)state;
    ffmpeg("-i a.mp4 -c copy -encryption_scheme cenc-aes-ctr -encryption_key "
           "00112233445566778899aabbccddeeff -encryption_kid 00112233445566778899aabbccddeeff "
           "encrypted.mp4");
    assert_int_equal(open_named("encrypted.mp4", AN_HOUR), FM_ENCRYPTED_MEDIA);
}

static void a_cut_file_is_opened_or_refused_but_nothing_worse(void **state)
{
    (void)state;
    static const char *const names[] = {"a.mp4", "a.webm", "a.ts", "a.ogg", "a.png"};
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        FM_AUTO(fm_file_close) int fd = open_made(names[i], O_RDONLY);
        int64_t size_bytes = size_of(fd);
        for (int64_t part = 1; part < 12; part++) {
            FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
            struct fm_error err = {0};
            if (!fm_input_open(fd, size_bytes * part / 12, AN_HOUR, &input, &err)) {
                assert_true(err.code == FM_UNSUPPORTED_CONTAINER || err.code == FM_MEDIA_INVALID);
            }
        }
    }
}

static void no_byte_beyond_the_given_size_is_read(void **state)
{
    (void)state;
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    struct fm_error err = {0};
    FM_AUTO(fm_file_close) int fd = open_made("a.wav", O_RDONLY);
    assert_true(fm_input_open(fd, 50000, AN_HOUR, &input, &err));
    FM_AUTO(av_packet_free) AVPacket *packet = av_packet_alloc();
    while (av_read_frame(fm_input_format(input), packet) >= 0) {
        av_packet_unref(packet);
    }
    assert_int_equal(fm_input_position(input), 50000);
}

/* Files of any kind: each is opened, or refused with an error that a source may have. */
static void samples_are_opened_or_refused_with_a_source_error(void **state)
{
    (void)state;
    const char *path = getenv("FM_SAMPLES_DIR");
    DIR *samples = path ? opendir(path) : NULL;
    if (!samples) {
        skip();
        return;
    }
    for (struct dirent *entry; (entry = readdir(samples));) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        FM_AUTO(fm_file_close) int fd = openat(dirfd(samples), entry->d_name, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        enum fm_error_code code = open_fd(fd, 7200);
        assert_true(code == FM_NONE || (code >= FM_ENCRYPTED_MEDIA && code <= FM_MEDIA_TOO_LONG));
    }
    closedir(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_container_people_use_is_opened),
        cmocka_unit_test(a_playlist_is_no_container),
        cmocka_unit_test(text_is_no_container),
        cmocka_unit_test(a_picture_of_too_many_pixels_costs_no_memory),
        cmocka_unit_test(more_streams_than_allowed_are_refused),
        cmocka_unit_test(a_header_of_countless_tracks_is_refused),
        cmocka_unit_test(a_longer_source_than_allowed_is_refused),
        cmocka_unit_test(an_incredible_duration_is_measured),
        cmocka_unit_test(more_frames_a_second_than_allowed_are_refused),
        cmocka_unit_test(an_encrypted_source_is_refused),
        cmocka_unit_test(a_cut_file_is_opened_or_refused_but_nothing_worse),
        cmocka_unit_test(no_byte_beyond_the_given_size_is_read),
        cmocka_unit_test(samples_are_opened_or_refused_with_a_source_error),
    };
    av_log_set_level(AV_LOG_QUIET);
    return cmocka_run_group_tests_name("input", tests, make_directory, remove_directory);
}
