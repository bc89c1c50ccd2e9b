/*
 * The formats, codecs and presets of formats.def: their numbers on the wire and in stored specs,
 * their names, and what libavformat and libavcodec are to be asked for. Pure.
 */
#ifndef FM_PROTO_FORMATS_H
#define FM_PROTO_FORMATS_H

#define FM_FORMAT(name, ...) FM_FORMAT_##name,
enum fm_format {
#include "proto/formats.def"
    FM_FORMAT_COUNT
};

#define FM_CODEC(name, ...) FM_CODEC_##name,
enum fm_codec {
#include "proto/formats.def"
    FM_CODEC_COUNT
};

#define FM_PRESET(name, ...) FM_PRESET_##name,
enum fm_preset {
#include "proto/formats.def"
    FM_PRESET_COUNT
};

/* The names in the order of the enums, NULL-terminated; rows of FM_ENUM and FM_WORD point at these.
 */
extern const char *const fm_names_format[];
extern const char *const fm_names_codec[];
extern const char *const fm_names_preset[];

/* A row of FM_FORMAT; every text is static and never NULL. */
struct fm_format_row {
    const char *extension, *content_type, *muxer; /* muxer: libavformat's name */
    enum fm_codec video, audio;                   /* what AUTO encodes to; NONE: no such stream */
    /* Codecs that the muxer can carry: libavcodec's names, separated by a space. */
    const char *video_codecs, *audio_codecs;
};
const struct fm_format_row *fm_formats_row(enum fm_format format);
/* libavcodec's name of the encoder; "" for AUTO, NONE and COPY. */
const char *fm_formats_encoder(enum fm_codec codec);
/* A row of FM_PRESET. */
struct fm_preset_row {
    const char *name;
    int lookahead, references; /* x264: frames */
    const char *deadline;      /* libvpx */
    int cpu_used;              /* libvpx */
};
/* The preset of that name; NULL if there is none. Static. */
const struct fm_preset_row *fm_formats_preset(const char *name);

#endif
