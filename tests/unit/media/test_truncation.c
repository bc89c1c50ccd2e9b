/* Truncation of every container whose lengths are known: files whole, and cut at several places. */
#include "tests/unit/media/fixture.h"

#include "worker/media/truncation.h"

static const char *const names[] = {"a.mp4",  "fast.mp4", "parts.mp4", "a.mkv",
                                    "a.webm", "a.avi",    "a.wav"};

static int make_films(void **state)
{
    if (make_directory(state) != 0) {
        return -1;
    }
    ffmpeg(TWO_SECONDS "-c:v libx264 -preset ultrafast -c:a aac a.mp4");
    ffmpeg("-i a.mp4 -c copy -movflags +faststart fast.mp4");
    ffmpeg("-i a.mp4 -c copy -movflags frag_keyframe+empty_moov parts.mp4");
    ffmpeg("-i a.mp4 -c copy a.mkv");
    ffmpeg("-i a.mp4 -c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus a.webm");
    ffmpeg("-i a.mp4 -c:v mpeg4 -c:a mp3 a.avi");
    ffmpeg("-i a.mp4 -vn a.wav");
    return 0;
}

/* Judges the file as if only its first `size_bytes` bytes were there. */
static bool is_truncated(const char *name, int64_t size_bytes)
{
    FM_AUTO(fm_file_close) int fd = open_made(name, O_RDONLY);
    return fm_truncation_is_sure(fd, size_bytes);
}

static int64_t size_of_made(const char *name)
{
    FM_AUTO(fm_file_close) int fd = open_made(name, O_RDONLY);
    return size_of(fd);
}

static void a_whole_file_is_not_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        assert_false(is_truncated(names[i], size_of_made(names[i])));
    }
}

static void a_file_cut_anywhere_is_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        for (int64_t part = 1; part < 8; part++) {
            assert_true(is_truncated(names[i], size_of_made(names[i]) * part / 8));
        }
    }
}

static void a_live_recording_is_never_surely_truncated(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof(command),
             "cd %s && ffmpeg -nostdin -v error -i a.mp4 -c copy -f matroska - | cat > live.mkv",
             directory);
    assert_int_equal(system(command), 0);
    assert_false(is_truncated("live.mkv", size_of_made("live.mkv") / 2));
}

static void hostile_lengths_are_only_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool truncated;
    } rows[] = {
        {"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff........", true},
        {"\0\0\0\x01mdat\0\0\0\0\0\0\0\0........", false},
        {"\xff\xff\xff\xffmoov................", true},
        {"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe........", false},
        {"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xfe...", true},
        {"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff...", false},
        {"RIFF\xff\xff\xff\xffWAVE............", false},
        {"........................", false},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        write_file("hostile", rows[i].bytes, 20);
        if (is_truncated("hostile", 20) != rows[i].truncated) {
            fail_msg("row %zu", i);
        }
    }
    assert_false(is_truncated("hostile", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_not_truncated),
        cmocka_unit_test(a_file_cut_anywhere_is_truncated),
        cmocka_unit_test(a_live_recording_is_never_surely_truncated),
        cmocka_unit_test(hostile_lengths_are_only_numbers),
    };
    return cmocka_run_group_tests_name("truncation", tests, make_films, remove_directory);
}
