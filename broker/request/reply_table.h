/* Turns the rows of a reply's .def into tables, in exactly one .c file. It has no include guard
 * because it is included once for each .def: see broker/request/reply_record.h. */
#define FM_REPLY(tag, prose)                                                                       \
    static const char prose_##tag[] = prose;                                                       \
    static const struct fm_reply_field fields_##tag[] = {
#define FM_REPLY_ROW(tag, member, what, when, ...)                                                 \
    {.name = #member,                                                                              \
     .kind = FM_REPLY_KIND_##what,                                                                 \
     .presence = FM_REPLY_##when,                                                                  \
     .offset = offsetof(struct fm_reply_##tag, member),                                            \
     __VA_ARGS__},
#define FM_REPLY_CONST(tag, name_, text, prose_)                                                   \
    {.name = #name_, .kind = FM_REPLY_KIND_CONST, .prose = prose_, .example = text},
#define FM_REPLY_ID(tag, name, kind_, when, prose_)                                                \
    FM_REPLY_ROW(tag, name, ID, when, .id = FM_ID_##kind_, .prose = prose_)
#define FM_REPLY_TEXT(tag, name, when, prose_, example_)                                           \
    FM_REPLY_ROW(tag, name, TEXT, when, .prose = prose_, .example = example_)
#define FM_REPLY_NAME(tag, name, names_, when, prose_)                                             \
    FM_REPLY_ROW(tag, name, NAME, when, .names = names_, .prose = prose_)
#define FM_REPLY_TIME(tag, name, when, prose_) FM_REPLY_ROW(tag, name, TIME, when, .prose = prose_)
#define FM_REPLY_INTEGER(tag, name, when, prose_, example_)                                        \
    FM_REPLY_ROW(tag, name, INTEGER, when, .prose = prose_, .example = example_)
#define FM_REPLY_REAL(tag, name, when, prose_, example_)                                           \
    FM_REPLY_ROW(tag, name, REAL, when, .prose = prose_, .example = example_)
#define FM_REPLY_BOOL(tag, name, prose_) FM_REPLY_ROW(tag, name, BOOL, ALWAYS, .prose = prose_)
#define FM_REPLY_OBJECT(tag, name, object, when, prose_)                                           \
    FM_REPLY_ROW(tag, name, OBJECT, when, .record = &fm_reply_record_##object, .prose = prose_)
#define FM_REPLY_LIST(tag, name, item, prose_)                                                     \
    FM_REPLY_ROW(tag, name, LIST, ALWAYS, .record = &fm_reply_record_##item, .prose = prose_)
#define FM_REPLY_TEXTS(tag, name, prose_, example_)                                                \
    FM_REPLY_ROW(tag, name, TEXTS, ALWAYS, .prose = prose_, .example = example_)
#define FM_REPLY_PAIRS(tag, name, prose_, example_)                                                \
    FM_REPLY_ROW(tag, name, PAIRS, ALWAYS, .prose = prose_, .example = example_)
#define FM_REPLY_ROWS(tag, name, prose_) FM_REPLY_ROW(tag, name, ROWS, ALWAYS, .prose = prose_)
#define FM_REPLY_END(tag)                                                                          \
    }                                                                                              \
    ;                                                                                              \
    const struct fm_reply_record fm_reply_record_##tag = {                                         \
        #tag, prose_##tag, sizeof(struct fm_reply_##tag), fields_##tag,                            \
        sizeof(fields_##tag) / sizeof(fields_##tag[0])};
