/*
 * Makes the seeds of the message and spec fuzzers from the tables: `seeds MESSAGE_DIR SPEC_DIR`.
 * Run again after a row was added; a file it makes again is the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/message.h"
#include "proto/spec.h"
#include "tests/unit/proto/records.h"

#define MOST_ITEMS 1

struct seed {
    enum fm_message_type type;
    unsigned senders;
    const char *name;
    const struct fm_record *record;
};

static const struct seed seeds[] = {
#define FM_MESSAGE(number, NAME, tag, senders, descriptors, prose)                                 \
    {FM_MESSAGE_##NAME, senders, #tag, &fm_record_##tag},
#include "proto/messages.def"
#undef FM_MESSAGE
};

static const char *const extremes[] = {"default", "least", "most"};

/* A seed that is refused would teach the fuzzer nothing. */
static void require(bool is_so, const struct fm_error *err)
{
    if (!is_so) {
        fprintf(stderr, "seeds: %s\n", err->detail);
        exit(1);
    }
}

static void save(const char *directory, const char *name, const char *extreme,
                 const struct fm_text *bytes)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "%s/%s_%s", directory, name, extreme);
    FILE *file = fopen(fm_text_get(&path), "wb");
    if (file == NULL || fwrite(bytes->data, 1, bytes->length, file) != bytes->length ||
        fclose(file) != 0) {
        perror(fm_text_get(&path));
        exit(1);
    }
}

/* Large values teach a fuzzer nothing that 40 bytes do not. */
static void shorten(const struct fm_field *field, void *place)
{
    struct fm_slice *bytes = place;
    if (field->kind == FM_FIELD_BYTES && bytes->length > 40) {
        bytes->length = 40;
    }
    if (field->kind == FM_FIELD_TEXT && field->max > 40) {
        char *text = NULL;
        memcpy(&text, place, sizeof(text));
        if (text != NULL && strlen(text) > 40) {
            text[40] = '\0';
        }
    }
}

static void *make(const struct fm_record *record, enum records_extreme extreme,
                  struct fm_arena *arena)
{
    char *made = records_make(record, extreme, MOST_ITEMS, arena);
    for (size_t i = 0; i < record->field_count; i++) {
        shorten(&record->fields[i], made + record->fields[i].offset);
    }
    return made;
}

/* The sender's bit number goes before the frame: see fuzz_message.c. */
static void make_message(const char *directory, const struct seed *seed,
                         enum records_extreme extreme)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_message message;
    struct fm_error err;
    fm_message_init(&message, seed->type);
    memcpy(&message.hello, make(seed->record, extreme, &arena), seed->record->size);
    fm_text_append_char(&bytes, (char)__builtin_ctz(seed->senders));
    require(fm_message_encode(&message, &bytes, &err), &err);
    struct fm_slice frame = {bytes.data + 1, bytes.length - 1};
    require(fm_message_decode(frame, seed->senders & -seed->senders, &message, &err), &err);
    fm_message_done(&message);
    save(directory, seed->name, extremes[extreme], &bytes);
}

static void make_spec(const char *directory, enum records_extreme extreme)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_error err;
    struct fm_spec again;
    struct fm_spec *spec = make(&fm_record_spec, extreme, &arena);
    spec->url = "https://example.com/clip.mp4";
    spec->site = FM_SITE_URL;
    if (spec->outputs.count > 0) {
        struct fm_spec_output *output = spec->outputs.items;
        static const struct fm_spec_trim part = {.start_seconds = 0.5, .end_seconds = 1};
        output->name = "video";
        output->trim = output->trim != NULL ? &part : NULL;
    }
    if (spec->headers.count > 0) {
        *(struct fm_spec_header *)spec->headers.items = (struct fm_spec_header){"Referer", "x"};
    }
    require(fm_spec_write(spec, &bytes, &err), &err);
    struct fm_slice packed = {bytes.data, bytes.length};
    require(fm_spec_read(packed, &arena, &again, &err), &err);
    save(directory, "spec", extremes[extreme], &bytes);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: seeds MESSAGE_DIR SPEC_DIR\n", stderr);
        return 2;
    }
    for (enum records_extreme extreme = RECORDS_DEFAULT; extreme <= RECORDS_MOST; extreme++) {
        for (size_t i = 0; i < FM_COUNT(seeds); i++) {
            make_message(argv[1], &seeds[i], extreme);
        }
        make_spec(argv[2], extreme);
    }
    return 0;
}
