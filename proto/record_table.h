/*
 * Turns the rows of a .def into tables. No include guard: included before each .def, see
 * proto/pack.h.
 */
#define FM_RECORD(tag, prose) static const struct fm_field fields_##tag[] = {
#define FM_FIELD_ROW(what, tag, field, low, high, otherwise, sub, list, ...)                       \
    {.kind = what,                                                                                 \
     .name = #field,                                                                               \
     .offset = offsetof(struct fm_##tag, field),                                                   \
     .min = low,                                                                                   \
     .max = high,                                                                                  \
     .standard = otherwise,                                                                        \
     .record = sub,                                                                                \
     .names = list,                                                                                \
     .prose = __VA_ARGS__}, /* __VA_ARGS__ also has the example, if any */
#define FM_NUMBER(tag, name, min, max, standard, ...)                                              \
    FM_FIELD_ROW(FM_FIELD_NUMBER, tag, name, min, max, standard, NULL, NULL, __VA_ARGS__)
#define FM_SIGNED(tag, name, min, max, standard, ...)                                              \
    FM_FIELD_ROW(FM_FIELD_SIGNED, tag, name, min, max, standard, NULL, NULL, __VA_ARGS__)
#define FM_REAL(tag, name, min, max, standard, ...)                                                \
    FM_FIELD_ROW(FM_FIELD_REAL, tag, name, min, max, standard, NULL, NULL, __VA_ARGS__)
#define FM_BOOL(tag, name, standard, ...)                                                          \
    FM_FIELD_ROW(FM_FIELD_BOOL, tag, name, 0, 1, standard, NULL, NULL, __VA_ARGS__)
#define FM_ENUM(tag, name, names, standard, ...)                                                   \
    FM_FIELD_ROW(FM_FIELD_ENUM, tag, name, 0, 0, standard, NULL, fm_names_##names, __VA_ARGS__)
#define FM_TEXT(tag, name, max, ...)                                                               \
    FM_FIELD_ROW(FM_FIELD_TEXT, tag, name, 0, max, 0, NULL, NULL, __VA_ARGS__)
#define FM_WORD(tag, name, names, ...)                                                             \
    FM_FIELD_ROW(FM_FIELD_TEXT, tag, name, 0, 16, 0, NULL, fm_names_##names, __VA_ARGS__)
#define FM_BYTES(tag, name, max, ...)                                                              \
    FM_FIELD_ROW(FM_FIELD_BYTES, tag, name, 0, max, 0, NULL, NULL, __VA_ARGS__)
#define FM_SUB(tag, name, sub, ...)                                                                \
    FM_FIELD_ROW(FM_FIELD_RECORD, tag, name, 0, 1, 0, &fm_record_##sub, NULL, __VA_ARGS__)
#define FM_LIST(tag, name, sub, max, ...)                                                          \
    FM_FIELD_ROW(FM_FIELD_LIST, tag, name, 0, max, 0, &fm_record_##sub, NULL, __VA_ARGS__)
#define FM_RECORD_END(tag)                                                                         \
    }                                                                                              \
    ;                                                                                              \
    const struct fm_record fm_record_##tag = {#tag, sizeof(struct fm_##tag), fields_##tag,         \
                                              sizeof(fields_##tag) / sizeof(fields_##tag[0])};
