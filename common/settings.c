/*
 * Reads settings from defaults, a file, the environment and argv; each source overrides the one
 * before.
 */
#include "common/settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"

#define FILE_LIMIT ((size_t)64 * 1024) /* bytes of a settings file */
#define NAME_SIZE 64
#define PREFIX "FETCHMEDIA_"

/* The arguments of one fm_settings_load. */
struct load {
    const struct fm_setting *table;
    size_t count;
    void *out;
    struct fm_error *err;
};

static char **text_at(void *out, const struct fm_setting *row)
{
    return (char **)(void *)((char *)out + row->offset);
}

static uint64_t *number_at(void *out, const struct fm_setting *row)
{
    return (uint64_t *)(void *)((char *)out + row->offset);
}

static bool *bool_at(void *out, const struct fm_setting *row)
{
    return (bool *)(void *)((char *)out + row->offset);
}

static bool is_text(const struct fm_setting *row)
{
    return row->kind == FM_KIND_TEXT || row->kind == FM_KIND_SECRET;
}

static bool set_text(const struct load *load, const struct fm_setting *row, const char *value)
{
    size_t length = strlen(value);
    if (length < row->min || length > row->max) {
        return fm_fail_param(load->err, FM_SETTING, row->name,
                             "%s must have %" PRIu64 " to %" PRIu64 " bytes", row->name, row->min,
                             row->max);
    }
    char **text = text_at(load->out, row);
    free(*text);
    *text = fm_strdup(value);
    return true;
}

static bool set_number(const struct load *load, const struct fm_setting *row, const char *value)
{
    if (!fm_text_to_u64(value, row->min, row->max, number_at(load->out, row))) {
        return fm_fail_param(load->err, FM_SETTING, row->name,
                             "%s must be a number from %" PRIu64 " to %" PRIu64, row->name,
                             row->min, row->max);
    }
    return true;
}

/* Odd indexes of the list mean true. */
static bool set_bool(const struct load *load, const struct fm_setting *row, const char *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < FM_COUNT(words); i++) {
        if (fm_text_equals_fold(value, words[i])) {
            *bool_at(load->out, row) = i % 2 == 1;
            return true;
        }
    }
    return fm_fail_param(load->err, FM_SETTING, row->name, "%s must be true or false", row->name);
}

static bool set_value(const struct load *load, const struct fm_setting *row, const char *value)
{
    if (is_text(row)) {
        return set_text(load, row, value);
    }
    return row->kind == FM_KIND_NUMBER ? set_number(load, row, value) : set_bool(load, row, value);
}

/* A default of TEXT is not checked, because it may be shorter than the minimum: "" tells the
 * program that the setting was not given. */
static bool set_default(const struct load *load, const struct fm_setting *row)
{
    const char *standard = row->standard == NULL ? "" : row->standard;
    if (is_text(row)) {
        *text_at(load->out, row) = fm_strdup(standard);
        return true;
    }
    return set_value(load, row, standard);
}

static const struct fm_setting *find_setting(const struct load *load, const char *name)
{
    for (size_t i = 0; i < load->count; i++) {
        if (strcmp(load->table[i].name, name) == 0) {
            return &load->table[i];
        }
    }
    return NULL;
}

static bool refuse_unknown(const struct load *load, const char *name)
{
    FM_AUTO_FREE const char **names = fm_alloc_array(load->count, sizeof(*names));
    for (size_t i = 0; i < load->count; i++) {
        names[i] = load->table[i].name;
    }
    const char *nearest = fm_text_nearest(name, names, load->count);
    if (nearest == NULL) {
        return fm_fail_param(load->err, FM_SETTING, name, "There is no setting \"%s\"", name);
    }
    return fm_fail_param(load->err, FM_SETTING, name,
                         "There is no setting \"%s\"; did you mean \"%s\"?", name, nearest);
}

/* Copies a name with underscores for its dashes. A name too long is cut, and so is unknown. */
static void copy_name(const char *from, size_t length, char out[NAME_SIZE])
{
    size_t i = 0;
    for (; i < length && i < NAME_SIZE - 1; i++) {
        out[i] = from[i] == '-' ? '_' : from[i];
    }
    out[i] = '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the blanks off both ends, in place. */
static char *trim(char *text)
{
    char *end = text + strlen(text);
    while (end > text && is_blank(end[-1])) {
        *--end = '\0';
    }
    while (is_blank(*text)) {
        text++;
    }
    return text;
}

static bool parse_line(const struct load *load, char *line, unsigned number)
{
    char name[NAME_SIZE];
    char *start = trim(line);
    if (*start == '\0' || *start == '#') {
        return true;
    }
    char *equals = strchr(start, '=');
    if (equals == NULL) {
        return fm_fail_param(load->err, FM_SETTING, NULL,
                             "Line %u of the settings file is not \"name = value\"", number);
    }
    *equals = '\0';
    char *given = trim(start);
    copy_name(given, strlen(given), name);
    const struct fm_setting *row = find_setting(load, name);
    return row == NULL ? refuse_unknown(load, name) : set_value(load, row, trim(equals + 1));
}

static bool load_file(const struct load *load, const char *path)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (path == NULL) {
        return true;
    }
    if (!fm_file_read(path, FILE_LIMIT, &text, load->err)) {
        return fm_fail_param(load->err, FM_SETTING, NULL, "The settings file %s cannot be read",
                             path);
    }
    char *rest = text.data;
    char *line = NULL;
    unsigned number = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        number++;
        if (!parse_line(load, line, number)) {
            return false;
        }
    }
    return true;
}

static void environment_name(const char *name, char out[NAME_SIZE + sizeof(PREFIX)])
{
    size_t length = sizeof(PREFIX) - 1;
    memcpy(out, PREFIX, length);
    for (; *name != '\0' && length < NAME_SIZE + sizeof(PREFIX) - 1; name++) {
        out[length++] = *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
    }
    out[length] = '\0';
}

/* Unknown names are not an error here, unlike in the file and in argv: other programs have
 * FETCHMEDIA_ variables too. An empty value counts as not given. */
static bool load_environment(const struct load *load)
{
    for (size_t i = 0; i < load->count; i++) {
        char name[NAME_SIZE + sizeof(PREFIX)];
        environment_name(load->table[i].name, name);
        const char *value = getenv(name);
        if (value != NULL && value[0] != '\0' && !set_value(load, &load->table[i], value)) {
            return false;
        }
    }
    return true;
}

/* Reads one --name, --name=value or --name value. `next` is the argument after it or NULL, and
 * *uses_next is set if `next` is the value. A BOOL never takes the next argument. */
static bool parse_option(const struct load *load, const char *word, const char *next,
                         bool *uses_next)
{
    char name[NAME_SIZE];
    const char *equals = strchr(word, '=');
    *uses_next = false;
    copy_name(word + 2, equals == NULL ? strlen(word + 2) : (size_t)(equals - word - 2), name);
    const struct fm_setting *row = find_setting(load, name);
    if (row == NULL) {
        return refuse_unknown(load, name);
    }
    if (row->kind == FM_KIND_SECRET) {
        return fm_fail_param(load->err, FM_SETTING, row->name,
                             "%s is a secret: every user of the host can read a command line. Give "
                             "it in the environment or the settings file",
                             row->name);
    }
    if (equals != NULL) {
        return set_value(load, row, equals + 1);
    }
    if (row->kind == FM_KIND_BOOL) {
        return set_value(load, row, "true");
    }
    if (next == NULL) {
        return fm_fail_param(load->err, FM_SETTING, row->name, "--%s needs a value", row->name);
    }
    *uses_next = true;
    return set_value(load, row, next);
}

static bool parse_arguments(const struct load *load, struct fm_settings_arguments *words)
{
    bool has_options = true;
    char **argv = words->argv;
    for (int i = 1; i < words->argc; i++) {
        bool is_option = has_options && fm_text_starts(argv[i], "--");
        if (is_option && argv[i][2] == '\0') {
            has_options = false;
        } else if (!is_option || strcmp(argv[i], "--help") == 0) {
            words->rest[words->rest_count++] = argv[i];
        } else {
            bool uses_next = false;
            if (!parse_option(load, argv[i], i + 1 < words->argc ? argv[i + 1] : NULL,
                              &uses_next)) {
                return false;
            }
            i += uses_next ? 1 : 0;
        }
    }
    return true;
}

bool fm_settings_load(const struct fm_setting *table, size_t count, void *out, const char *file,
                      struct fm_settings_arguments *words, struct fm_error *err)
{
    struct load load = {table, count, out, err};
    words->rest_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!set_default(&load, &table[i])) {
            fm_settings_done(table, count, out);
            return false;
        }
    }
    if (!load_file(&load, file) || !load_environment(&load) || !parse_arguments(&load, words)) {
        fm_settings_done(table, count, out);
        return false;
    }
    return true;
}

void fm_settings_done(const struct fm_setting *table, size_t count, void *out)
{
    for (size_t i = 0; i < count; i++) {
        if (is_text(&table[i])) {
            free(*text_at(out, &table[i]));
            *text_at(out, &table[i]) = NULL;
        }
    }
}

static void write_option(const struct fm_setting *row, struct fm_text *out)
{
    static const char *const values[] = {
        [FM_KIND_TEXT] = " TEXT", [FM_KIND_NUMBER] = " NUMBER", [FM_KIND_BOOL] = ""};
    fm_text_append(out, "  --");
    for (const char *c = row->name; *c != '\0'; c++) {
        fm_text_append_char(out, *c == '_' ? '-' : *c);
    }
    fm_text_format(out, "%s, ", values[row->kind]);
}

void fm_settings_help(const struct fm_setting *table, size_t count, struct fm_text *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct fm_setting *row = &table[i];
        char name[NAME_SIZE + sizeof(PREFIX)];
        environment_name(row->name, name);
        if (row->kind == FM_KIND_SECRET) {
            fm_text_append(out, "  ");
        } else {
            write_option(row, out);
        }
        fm_text_format(out, "%s\n      %s", name, row->help);
        if (row->kind == FM_KIND_NUMBER) {
            fm_text_format(out, " (%" PRIu64 " to %" PRIu64 ")", row->min, row->max);
        }
        if (row->standard != NULL && row->standard[0] != '\0') {
            fm_text_format(out, " [%s]", row->standard);
        }
        fm_text_append_char(out, '\n');
    }
}
