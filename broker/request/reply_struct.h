/* Turns the rows of a reply's .def into structs and typed writers, in a header. It has no include
 * guard because it is included once for each .def: see broker/request/reply_record.h. */
#define FM_REPLY(tag, prose)                                                                       \
    extern const struct fm_reply_record fm_reply_record_##tag;                                     \
    struct fm_reply_##tag {
#define FM_REPLY_CONST(tag, name, text, prose)
#define FM_REPLY_ID(tag, name, kind, presence, prose) struct fm_id name;
#define FM_REPLY_TEXT(tag, name, presence, prose, example) const char *name;
#define FM_REPLY_NAME(tag, name, names, presence, prose) const char *name;
#define FM_REPLY_TIME(tag, name, presence, prose) int64_t name;
#define FM_REPLY_INTEGER(tag, name, presence, prose, example) int64_t name;
#define FM_REPLY_REAL(tag, name, presence, prose, example) double name;
#define FM_REPLY_BOOL(tag, name, prose) bool name;
#define FM_REPLY_OBJECT(tag, name, object, presence, prose) const struct fm_reply_##object *name;
#define FM_REPLY_LIST(tag, name, item, prose) struct fm_list name;
#define FM_REPLY_TEXTS(tag, name, prose, example) const char *const *name;
#define FM_REPLY_PAIRS(tag, name, prose, example) struct fm_list name;
#define FM_REPLY_ROWS(tag, name, prose) struct fm_slice name;
#define FM_REPLY_END(tag)                                                                          \
    }                                                                                              \
    ;                                                                                              \
    static inline void fm_reply_write_##tag(const struct fm_reply_##tag *reply,                    \
                                            struct fm_text *out)                                   \
    {                                                                                              \
        fm_reply_record_write(&fm_reply_record_##tag, reply, out);                                 \
    }
