/*
 * The name lists of operations.def as enums and tables: formats, codecs, presets, stages and so on.
 * The numbers are those on the wire and in packed specs. Pure. Each block below includes
 * operations.def once, with all of its row macros empty but one.
 */
#ifndef FM_PROTO_OPERATIONS_H
#define FM_PROTO_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FM_FORMAT(name, text, extension, type, muxer, video, audio, videos, audios)
#define FM_CODEC(name, text, encoder)
#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used)
#define FM_FIT(name, text)
#define FM_ACCURACY(name, text)
#define FM_TYPE(name, text)
#define FM_PRIORITY(name, text, weight)
#define FM_QUALITY(name, text, height)
#define FM_STAGE(name, text)
#define FM_CLASS(name, text)
#define FM_CANCEL_REASON(name, text)
#define FM_REFUSAL(name, text)
#define FM_HOW(name, text)

#undef FM_FORMAT
#define FM_FORMAT(name, text, extension, type, muxer, video, audio, videos, audios)                \
    FM_FORMAT_##name,
enum fm_format {
#include "proto/operations.def"
    FM_FORMAT_COUNT
};
#undef FM_FORMAT
#define FM_FORMAT(name, text, extension, type, muxer, video, audio, videos, audios)

#undef FM_CODEC
#define FM_CODEC(name, text, encoder) FM_CODEC_##name,
enum fm_codec {
#include "proto/operations.def"
    FM_CODEC_COUNT
};
#undef FM_CODEC
#define FM_CODEC(name, text, encoder)

#undef FM_PRESET
#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used) FM_PRESET_##name,
enum fm_preset {
#include "proto/operations.def"
    FM_PRESET_COUNT
};
#undef FM_PRESET
#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used)

#undef FM_FIT
#define FM_FIT(name, text) FM_FIT_##name,
enum fm_fit {
#include "proto/operations.def"
    FM_FIT_COUNT
};
#undef FM_FIT
#define FM_FIT(name, text)

#undef FM_ACCURACY
#define FM_ACCURACY(name, text) FM_ACCURACY_##name,
enum fm_accuracy {
#include "proto/operations.def"
    FM_ACCURACY_COUNT
};
#undef FM_ACCURACY
#define FM_ACCURACY(name, text)

#undef FM_TYPE
#define FM_TYPE(name, text) FM_TYPE_##name,
enum fm_type {
#include "proto/operations.def"
    FM_TYPE_COUNT
};
#undef FM_TYPE
#define FM_TYPE(name, text)

#undef FM_PRIORITY
#define FM_PRIORITY(name, text, weight) FM_PRIORITY_##name,
enum fm_priority {
#include "proto/operations.def"
    FM_PRIORITY_COUNT
};
#undef FM_PRIORITY
#define FM_PRIORITY(name, text, weight)

#undef FM_QUALITY
#define FM_QUALITY(name, text, height) FM_QUALITY_##name,
enum fm_quality {
#include "proto/operations.def"
    FM_QUALITY_COUNT
};
#undef FM_QUALITY
#define FM_QUALITY(name, text, height)

#undef FM_STAGE
#define FM_STAGE(name, text) FM_STAGE_##name,
enum fm_stage {
#include "proto/operations.def"
    FM_STAGE_COUNT
};
#undef FM_STAGE
#define FM_STAGE(name, text)

#undef FM_CLASS
#define FM_CLASS(name, text) FM_CLASS_##name,
enum fm_class {
#include "proto/operations.def"
    FM_CLASS_COUNT
};
#undef FM_CLASS
#define FM_CLASS(name, text)

#undef FM_CANCEL_REASON
#define FM_CANCEL_REASON(name, text) FM_CANCEL_REASON_##name,
enum fm_cancel_reason {
#include "proto/operations.def"
    FM_CANCEL_REASON_COUNT
};
#undef FM_CANCEL_REASON
#define FM_CANCEL_REASON(name, text)

#undef FM_REFUSAL
#define FM_REFUSAL(name, text) FM_REFUSAL_##name,
enum fm_refusal {
#include "proto/operations.def"
    FM_REFUSAL_COUNT
};
#undef FM_REFUSAL
#define FM_REFUSAL(name, text)

#undef FM_HOW
#define FM_HOW(name, text) FM_HOW_##name,
enum fm_how {
#include "proto/operations.def"
    FM_HOW_COUNT
};
#undef FM_HOW
#define FM_HOW(name, text)

#undef FM_FORMAT
#undef FM_CODEC
#undef FM_PRESET
#undef FM_FIT
#undef FM_ACCURACY
#undef FM_TYPE
#undef FM_PRIORITY
#undef FM_QUALITY
#undef FM_STAGE
#undef FM_CLASS
#undef FM_CANCEL_REASON
#undef FM_REFUSAL
#undef FM_HOW

/* The names in the order of the enums, NULL-terminated; FM_ENUM and FM_WORD rows point at these. */
extern const char *const fm_names_format[];
extern const char *const fm_names_codec[];
extern const char *const fm_names_preset[];
extern const char *const fm_names_fit[];
extern const char *const fm_names_accuracy[];
extern const char *const fm_names_type[];
extern const char *const fm_names_priority[];
extern const char *const fm_names_quality[];
extern const char *const fm_names_stage[];
extern const char *const fm_names_class[];
extern const char *const fm_names_cancel_reason[];
extern const char *const fm_names_refusal[];
extern const char *const fm_names_how[];

/* One row of FM_FORMAT; every text is static and never NULL. */
struct fm_format_row {
    const char *extension, *content_type, *muxer; /* muxer: libavformat's name */
    enum fm_codec video, audio;                   /* what AUTO encodes to; NONE: no such stream */
    /* What the muxer can carry: libavcodec's names, separated by a space. */
    const char *video_codecs, *audio_codecs;
};
const struct fm_format_row *fm_operations_format(enum fm_format format);
/* libavcodec's name of the encoder; "" for AUTO, NONE and COPY. */
const char *fm_operations_encoder(enum fm_codec codec);
/* One row of FM_PRESET. */
struct fm_preset_row {
    const char *name;
    int lookahead, references; /* x264: frames */
    const char *deadline;      /* libvpx */
    int cpu_used;              /* libvpx */
};
/* The preset of that name; NULL if there is none. Static. */
const struct fm_preset_row *fm_operations_preset(const char *name);
/* The share of claims that the lane of a priority gets, relative to the others. */
unsigned fm_operations_weight(enum fm_priority priority);

#endif
