/* The rows of operations.def as tables, and look-ups in them. */
#include "proto/operations.h"

#include <assert.h>
#include <string.h>

/* All row macros of operations.def are empty but one: each block below defines the macro of its own
 * list, includes the file, and empties the macro again. */
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
#define FM_FORMAT(name, text, extension, type, muxer, video, audio, videos, audios) text,
const char *const fm_names_format[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_FORMAT
#define FM_FORMAT(name, text, extension, type, muxer, video, audio, videos, audios)

#undef FM_CODEC
#define FM_CODEC(name, text, encoder) text,
const char *const fm_names_codec[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_CODEC
#define FM_CODEC(name, text, encoder)

#undef FM_PRESET
#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used) text,
const char *const fm_names_preset[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_PRESET
#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used)

#undef FM_FIT
#define FM_FIT(name, text) text,
const char *const fm_names_fit[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_FIT
#define FM_FIT(name, text)

#undef FM_ACCURACY
#define FM_ACCURACY(name, text) text,
const char *const fm_names_accuracy[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_ACCURACY
#define FM_ACCURACY(name, text)

#undef FM_TYPE
#define FM_TYPE(name, text) text,
const char *const fm_names_type[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_TYPE
#define FM_TYPE(name, text)

#undef FM_PRIORITY
#define FM_PRIORITY(name, text, weight) text,
const char *const fm_names_priority[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_PRIORITY
#define FM_PRIORITY(name, text, weight)

#undef FM_QUALITY
#define FM_QUALITY(name, text, height) text,
const char *const fm_names_quality[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_QUALITY
#define FM_QUALITY(name, text, height)

#undef FM_STAGE
#define FM_STAGE(name, text) text,
const char *const fm_names_stage[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_STAGE
#define FM_STAGE(name, text)

#undef FM_CLASS
#define FM_CLASS(name, text) text,
const char *const fm_names_class[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_CLASS
#define FM_CLASS(name, text)

#undef FM_CANCEL_REASON
#define FM_CANCEL_REASON(name, text) text,
const char *const fm_names_cancel_reason[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_CANCEL_REASON
#define FM_CANCEL_REASON(name, text)

#undef FM_REFUSAL
#define FM_REFUSAL(name, text) text,
const char *const fm_names_refusal[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_REFUSAL
#define FM_REFUSAL(name, text)

#undef FM_HOW
#define FM_HOW(name, text) text,
const char *const fm_names_how[] = {
#include "proto/operations.def"
    NULL,
};
#undef FM_HOW
#define FM_HOW(name, text)

#undef FM_FORMAT
#define FM_FORMAT(name, text, extension, type, muxer, video, audio, videos, audios)                \
    {extension, type, muxer, FM_CODEC_##video, FM_CODEC_##audio, videos, audios},
static const struct fm_format_row formats[] = {
#include "proto/operations.def"
};
#undef FM_FORMAT
#define FM_FORMAT(name, text, extension, type, muxer, video, audio, videos, audios)

#undef FM_CODEC
#define FM_CODEC(name, text, encoder) encoder,
static const char *const encoders[] = {
#include "proto/operations.def"
};
#undef FM_CODEC
#define FM_CODEC(name, text, encoder)

#undef FM_PRESET
#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used)                           \
    {text, lookahead, references, deadline, cpu_used},
static const struct fm_preset_row presets[] = {
#include "proto/operations.def"
};
#undef FM_PRESET
#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used)

#undef FM_PRIORITY
#define FM_PRIORITY(name, text, weight) weight,
static const unsigned weights[] = {
#include "proto/operations.def"
};
#undef FM_PRIORITY
#define FM_PRIORITY(name, text, weight)

const struct fm_format_row *fm_operations_format(enum fm_format format)
{
    assert(format < FM_FORMAT_COUNT);
    return &formats[format];
}

const char *fm_operations_encoder(enum fm_codec codec)
{
    assert(codec < FM_CODEC_COUNT);
    return encoders[codec];
}

const struct fm_preset_row *fm_operations_preset(const char *name)
{
    for (size_t i = 0; i < FM_PRESET_COUNT; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            return &presets[i];
        }
    }
    return NULL;
}

unsigned fm_operations_weight(enum fm_priority priority)
{
    assert(priority < FM_PRIORITY_COUNT);
    return weights[priority];
}
