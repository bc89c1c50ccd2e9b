/*
 * Three walks over headers, one for each container. Numbers out of the file are compared and never
 * used to allocate; each walk is bounded, whatever the file contains.
 */
#include "worker/media/truncation.h"

#include <string.h>
#include <unistd.h>

#include "common/memory.h"

/* Fragmented MP4 is a long row of small boxes, and only the last one can be cut off. A file with
 * more than this many is taken to be whole. */
#define MOST_BOXES 200000
#define EBML_SEGMENT 0x18538067 /* the id of Matroska's Segment element (RFC 9559) */
/* An id or a length of EBML has up to 8 bytes; the leading zeros of the first give the number. */
#define EBML_FIELD_BYTES 8
/* How many elements may come before the segment: the EBML header, and some padding. */
#define MOST_ELEMENTS 8

static bool read_bytes(int fd, int64_t at, unsigned char *bytes, size_t length)
{
    return pread(fd, bytes, length, at) == (ssize_t)length;
}

static uint64_t big_endian(const unsigned char *bytes, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* ---- ISO/IEC 14496-12, 4.2: size, type, and a size of 64 bits where the first is 1 ---- */

/* The types a file may begin with; MP4 has no other magic number. */
static bool opens_as_mp4(const unsigned char *head)
{
    static const char *const types[] = {"ftyp", "moov", "mdat", "free", "wide", "styp", "skip"};
    for (size_t i = 0; i < FM_COUNT(types); i++) {
        if (!memcmp(head + 4, types[i], 4)) {
            return true;
        }
    }
    return false;
}

static bool is_mp4_cut(int fd, int64_t size_bytes)
{
    uint64_t size = (uint64_t)size_bytes, at = 0;
    unsigned char box[16];
    for (int i = 0; i < MOST_BOXES && at + 8 <= size; i++) {
        if (!read_bytes(fd, (int64_t)at, box, 8)) {
            return false;
        }
        uint64_t length = big_endian(box, 4);
        if (length == 1 && read_bytes(fd, (int64_t)at, box, sizeof(box))) {
            length = big_endian(box + 8, 8);
        }
        if (length < 8) { /* 0: the box reaches to the end of the file; 1 to 7 is damage */
            return false;
        }
        if (length > size - at) {
            return true;
        }
        at += length;
    }
    return false;
}

/* ---- RFC 8794, 4 and 6: an element's id, its length, its content ---- */

/* Reads an id or a length and moves *at past it. The marker bits that give the field's size belong
 * to the value of an id and not to that of a length. A length whose other bits are all ones is
 * unknown (UINT64_MAX). */
static bool read_field(int fd, int64_t *at, bool is_id, uint64_t *value)
{
    unsigned char bytes[EBML_FIELD_BYTES] = {0};
    if (!read_bytes(fd, *at, bytes, 1) || bytes[0] == 0) {
        return false;
    }
    size_t length = (size_t)__builtin_clz(bytes[0]) - 23;
    if (!read_bytes(fd, *at, bytes, length)) {
        return false;
    }
    *at += (int64_t)length;
    *value = big_endian(bytes, length);
    if (is_id) {
        return true;
    }
    uint64_t most = (1ULL << 7 * length) - 1;
    *value &= most;
    *value = *value == most ? UINT64_MAX : *value;
    return true;
}

/* The EBML header comes first, then the segment, with little or nothing between them. The segment
 * contains everything else, so its length is the one that counts. */
static bool is_matroska_cut(int fd, int64_t size_bytes)
{
    int64_t at = 0;
    uint64_t id = 0, length = 0;
    for (int i = 0; i < MOST_ELEMENTS && id != EBML_SEGMENT; i++) {
        if (!read_field(fd, &at, true, &id) || !read_field(fd, &at, false, &length)) {
            return false;
        }
        if (id != EBML_SEGMENT && length > (uint64_t)(size_bytes - at)) {
            return false;
        }
        at += id == EBML_SEGMENT ? 0 : (int64_t)length;
    }
    return id == EBML_SEGMENT && length != UINT64_MAX && at <= size_bytes &&
           length > (uint64_t)(size_bytes - at);
}

/* ---- RIFF (WAV, AVI): the length of the one chunk around everything, little endian. Recorders
 * that cannot seek back leave it at 0 or at its maximum ---- */

static bool is_riff_cut(const unsigned char *head, int64_t size_bytes)
{
    int64_t length = head[4] | head[5] << 8 | head[6] << 16 | (int64_t)head[7] << 24;
    return length < UINT32_MAX - 8 && length + 8 > size_bytes;
}

bool fm_truncation_is_sure(int fd, int64_t size_bytes)
{
    unsigned char head[12] = {0};
    if (size_bytes < (int64_t)sizeof(head) || !read_bytes(fd, 0, head, sizeof(head))) {
        return false;
    }
    if (!memcmp(head, "RIFF", 4)) {
        return is_riff_cut(head, size_bytes);
    }
    if (!memcmp(head, "\x1a\x45\xdf\xa3", 4)) {
        return is_matroska_cut(fd, size_bytes);
    }
    return opens_as_mp4(head) && is_mp4_cut(fd, size_bytes);
}
