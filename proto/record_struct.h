/*
 * Turns the rows of a .def into structs. No include guard: included before each .def, see
 * proto/pack.h.
 */
#define FM_RECORD(tag, prose)                                                                      \
    extern const struct fm_record fm_record_##tag;                                                 \
    struct fm_##tag {
#define FM_NUMBER(tag, name, min, max, standard, ...) uint64_t name;
#define FM_SIGNED(tag, name, min, max, standard, ...) int64_t name;
#define FM_REAL(tag, name, min, max, standard, ...) double name;
#define FM_BOOL(tag, name, standard, ...) bool name;
#define FM_ENUM(tag, name, names, standard, ...) uint64_t name;
#define FM_TEXT(tag, name, max, ...) const char *name;
#define FM_WORD(tag, name, names, ...) const char *name;
#define FM_BYTES(tag, name, max, ...) struct fm_slice name;
#define FM_SUB(tag, name, sub, ...) const struct fm_##sub *name;
#define FM_LIST(tag, name, sub, max, ...) struct fm_list name;
#define FM_RECORD_END(tag)                                                                         \
    }                                                                                              \
    ;
