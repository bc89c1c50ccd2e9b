/* The rows of formats.def as tables, and look-ups in them. */
#include "proto/formats.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define FM_FORMAT(name, text, ...) text,
const char *const fm_names_format[] = {
#include "proto/formats.def"
    NULL,
};

#define FM_CODEC(name, text, encoder) text,
const char *const fm_names_codec[] = {
#include "proto/formats.def"
    NULL,
};

#define FM_PRESET(name, text, ...) text,
const char *const fm_names_preset[] = {
#include "proto/formats.def"
    NULL,
};

#define FM_FORMAT(name, text, extension, type, muxer, video, audio, video_codecs, audio_codecs)    \
    {extension, type, muxer, FM_CODEC_##video, FM_CODEC_##audio, video_codecs, audio_codecs},
static const struct fm_format_row formats[] = {
#include "proto/formats.def"
};

#define FM_CODEC(name, text, encoder) encoder,
static const char *const encoders[] = {
#include "proto/formats.def"
};

#define FM_PRESET(name, text, lookahead, references, deadline, cpu_used)                           \
    {text, lookahead, references, deadline, cpu_used},
static const struct fm_preset_row presets[] = {
#include "proto/formats.def"
};

const struct fm_format_row *fm_formats_row(enum fm_format format)
{
    assert(format < FM_FORMAT_COUNT);
    return &formats[format];
}

const char *fm_formats_encoder(enum fm_codec codec)
{
    assert(codec < FM_CODEC_COUNT);
    return encoders[codec];
}

const struct fm_preset_row *fm_formats_preset(const char *name)
{
    for (size_t i = 0; i < FM_PRESET_COUNT; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            return &presets[i];
        }
    }
    return NULL;
}
