/* Copies and merges the records that describe source and outputs. */
#include "worker/facts.h"

#include <string.h>

#include "common/memory.h"

#define SHA256_SIZE 32

static const struct {
    const char *container;
    const char *video_extension, *video_type;
    const char *audio_extension, *audio_type;
    const char *others;
} containers[] = {
#define FM_CONTAINER(name, video_extension, video_type, audio_extension, audio_type, others)       \
    {name, video_extension, video_type, audio_extension, audio_type, others},
#include "worker/container.def"
#undef FM_CONTAINER
};

/* Packs the record and reads it back, which copies every text and substructure into the arena
 * without a copy function for each record. */
static void copy_record(const struct fm_record *record, const void *in, void *out,
                        struct fm_arena *arena)
{
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    struct fm_error ignored = {0};
    fm_pack_write(record, in, &packed);
    struct fm_slice bytes = {packed.data, packed.length};
    if (!fm_pack_read(record, bytes, arena, out, &ignored)) {
        fm_pack_defaults(record, out);
    }
}

/* `more` already lives in the arena. */
static void keep_first(const char **text, const char *more)
{
    if (*text == NULL) {
        *text = more;
    }
}

void fm_facts_add_source(struct fm_source_facts *facts, const struct fm_source_facts *more,
                         struct fm_arena *arena)
{
    struct fm_source_facts copy;
    copy_record(&fm_record_source_facts, more, &copy, arena);
    keep_first(&facts->title, copy.title);
    keep_first(&facts->uploader, copy.uploader);
    keep_first(&facts->webpage_url, copy.webpage_url);
    keep_first(&facts->content_type, copy.content_type);
    keep_first(&facts->extension, copy.extension);
    facts->container = copy.container != NULL ? copy.container : facts->container;
    facts->size_bytes = copy.size_bytes > 0 ? copy.size_bytes : facts->size_bytes;
    facts->duration_seconds =
        copy.duration_seconds > 0 ? copy.duration_seconds : facts->duration_seconds;
    facts->video = copy.video != NULL ? copy.video : facts->video;
    facts->audio = copy.audio != NULL ? copy.audio : facts->audio;
}

struct fm_list fm_facts_copy_files(const struct fm_list *files, struct fm_arena *arena)
{
    const struct fm_file_facts *from = files->items;
    struct fm_file_facts *to = fm_arena_alloc(arena, files->count * sizeof(*to));
    for (size_t i = 0; i < files->count; i++) {
        copy_record(&fm_record_file_facts, &from[i], &to[i], arena);
    }
    return (struct fm_list){to, files->count};
}

/* True if `list`, names separated by single spaces, contains `word`. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; length > 0 && (at = strstr(at, word)) != NULL; at += length) {
        bool is_start = at == list || at[-1] == ' ';
        if (is_start && (at[length] == '\0' || at[length] == ' ')) {
            return true;
        }
    }
    return false;
}

static void name_container(size_t row, const struct fm_source_facts *source,
                           struct fm_file_facts *file)
{
    bool is_audio = source->video == NULL && source->audio != NULL;
    file->extension = is_audio ? containers[row].audio_extension : containers[row].video_extension;
    file->content_type = is_audio ? containers[row].audio_type : containers[row].video_type;
    if (source->extension != NULL && has_word(containers[row].others, source->extension)) {
        file->extension = source->extension;
    }
}

/* Some demuxers serve a family of file types; the extension the source came with decides among
 * them. An extension that is not listed gets the container's own row in container.def. */
static bool name_family(const struct fm_source_facts *source, struct fm_file_facts *file)
{
    static const struct {
        const char *container, *extension, *type;
    } rows[] = {
        {"mov,mp4", "mov", "video/quicktime"}, {"mov,mp4", "m4v", "video/x-m4v"},
        {"mov,mp4", "3gp", "video/3gpp"},      {"mov,mp4", "m4a", "audio/mp4"},
        {"mov,mp4", "m4b", "audio/mp4"},       {"mov,mp4", "3g2", "video/3gpp2"},
        {"mov,mp4", "avif", "image/avif"},     {"mov,mp4", "heic", "image/heic"},
        {"matroska", "webm", "video/webm"},    {"matroska", "weba", "audio/webm"},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        if (source->extension != NULL && fm_text_starts(source->container, rows[i].container) &&
            strcmp(source->extension, rows[i].extension) == 0) {
            file->extension = rows[i].extension;
            file->content_type = rows[i].type;
            return true;
        }
    }
    return false;
}

static void name_by_container(const struct fm_source_facts *source, struct fm_file_facts *file)
{
    if (source->container == NULL || name_family(source, file)) {
        return;
    }
    for (size_t i = 0; i < FM_COUNT(containers); i++) {
        if (fm_text_starts(source->container, containers[i].container)) {
            name_container(i, source, file);
            return;
        }
    }
}

void fm_facts_of_copy(const struct fm_spec *spec, const struct fm_source_facts *source,
                      struct fm_file_facts *file)
{
    fm_pack_defaults(&fm_record_file_facts, file);
    file->name = spec->outputs.count > 0 ? fm_spec_output_at(spec, 0)->name : "source";
    file->extension = source->extension;
    file->content_type = "application/octet-stream";
    file->duration_seconds = source->duration_seconds;
    file->video = source->video;
    file->audio = source->audio;
    name_by_container(source, file);
}

/* Files are matched by position, so their numbers must agree before any value is taken over. */
static bool check_count(size_t expected, const struct fm_list *files, struct fm_error *err)
{
    return files->count == expected ||
           fm_fail(err, FM_PROTOCOL, "%zu files were reported, but there are %zu", files->count,
                   expected);
}

bool fm_facts_name_outputs(const struct fm_spec *spec, struct fm_list *files, struct fm_error *err)
{
    struct fm_file_facts *items = files->items;
    if (!check_count(spec->outputs.count, files, err)) {
        return false;
    }
    for (size_t i = 0; i < files->count; i++) {
        const struct fm_spec_output *output = fm_spec_output_at(spec, i);
        const struct fm_format_row *row = fm_formats_row((enum fm_format)output->format);
        if (items[i].name != NULL && strcmp(items[i].name, output->name) != 0) {
            return fm_fail(err, FM_PROTOCOL, "%s was reported where %s was expected", items[i].name,
                           output->name);
        }
        items[i].name = output->name;
        items[i].extension = row->extension;
        items[i].content_type = row->content_type;
    }
    return true;
}

bool fm_facts_add_verified(struct fm_list *files, const struct fm_list *verified,
                           struct fm_arena *arena, struct fm_error *err)
{
    struct fm_list copies = fm_facts_copy_files(verified, arena);
    const struct fm_file_facts *from = copies.items;
    struct fm_file_facts *to = files->items;
    if (!check_count(files->count, verified, err)) {
        return false;
    }
    for (size_t i = 0; i < files->count; i++) {
        to[i].duration_seconds = from[i].duration_seconds;
        to[i].video = from[i].video;
        to[i].audio = from[i].audio;
    }
    return true;
}

bool fm_facts_add_delivered(struct fm_list *files, const struct fm_list *delivered,
                            struct fm_arena *arena, struct fm_error *err)
{
    struct fm_list copies = fm_facts_copy_files(delivered, arena);
    const struct fm_file_facts *from = copies.items;
    struct fm_file_facts *to = files->items;
    if (!check_count(files->count, delivered, err)) {
        return false;
    }
    for (size_t i = 0; i < files->count; i++) {
        if (from[i].name == NULL || strcmp(from[i].name, to[i].name) != 0 ||
            from[i].sha256.length != SHA256_SIZE) {
            return fm_fail(err, FM_PROTOCOL, "%s was not reported as delivered", to[i].name);
        }
        to[i].size_bytes = from[i].size_bytes;
        to[i].sha256 = from[i].sha256;
    }
    return true;
}
