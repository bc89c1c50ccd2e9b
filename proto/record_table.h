/* Turns the rows of a .def into tables. No guard: included before each .def, see proto/pack.h. */
#define FM_RECORD(tag, prose) static const struct fm_field fields_##tag[] = {
#define FM_FIELD_ROW(kind, tag, name, min, max, standard, sub, names, prose)                       \
    {kind, #name, offsetof(struct fm_##tag, name), min, max, standard, sub, names, prose},
#define FM_NUMBER(tag, name, min, max, standard, prose)                                            \
    FM_FIELD_ROW(FM_FIELD_NUMBER, tag, name, min, max, standard, NULL, NULL, prose)
#define FM_SIGNED(tag, name, min, max, standard, prose)                                            \
    FM_FIELD_ROW(FM_FIELD_SIGNED, tag, name, min, max, standard, NULL, NULL, prose)
#define FM_REAL(tag, name, min, max, standard, prose)                                              \
    FM_FIELD_ROW(FM_FIELD_REAL, tag, name, min, max, standard, NULL, NULL, prose)
#define FM_BOOL(tag, name, standard, prose)                                                        \
    FM_FIELD_ROW(FM_FIELD_BOOL, tag, name, 0, 1, standard, NULL, NULL, prose)
#define FM_ENUM(tag, name, names, standard, prose)                                                 \
    FM_FIELD_ROW(FM_FIELD_ENUM, tag, name, 0, 0, standard, NULL, fm_names_##names, prose)
#define FM_TEXT(tag, name, max, prose)                                                             \
    FM_FIELD_ROW(FM_FIELD_TEXT, tag, name, 0, max, 0, NULL, NULL, prose)
#define FM_WORD(tag, name, names, prose)                                                           \
    FM_FIELD_ROW(FM_FIELD_TEXT, tag, name, 0, 16, 0, NULL, fm_names_##names, prose)
#define FM_BYTES(tag, name, max, prose)                                                            \
    FM_FIELD_ROW(FM_FIELD_BYTES, tag, name, 0, max, 0, NULL, NULL, prose)
#define FM_SUB(tag, name, sub, prose)                                                              \
    FM_FIELD_ROW(FM_FIELD_RECORD, tag, name, 0, 1, 0, &fm_record_##sub, NULL, prose)
#define FM_LIST(tag, name, sub, max, prose)                                                        \
    FM_FIELD_ROW(FM_FIELD_LIST, tag, name, 0, max, 0, &fm_record_##sub, NULL, prose)
#define FM_RECORD_END(tag)                                                                         \
    }                                                                                              \
    ;                                                                                              \
    const struct fm_record fm_record_##tag = {#tag, sizeof(struct fm_##tag), fields_##tag,         \
                                              sizeof(fields_##tag) / sizeof(fields_##tag[0])};
