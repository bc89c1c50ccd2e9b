/*
 * The lists of names.def as enums, and their names as tables. The numbers are those on the wire and
 * in stored specs. Pure.
 */
#ifndef FM_PROTO_NAMES_H
#define FM_PROTO_NAMES_H

/* enum fm_type { FM_TYPE_FETCH, FM_TYPE_PROCESS, FM_TYPE_COUNT }; and so on. */
/* clang-format off */
#define FM_NAMES(LIST, list) enum fm_##list {
#define FM_NAME(LIST, NAME, text) FM_##LIST##_##NAME,
#define FM_NAMES_END(LIST) FM_##LIST##_COUNT };
/* clang-format on */
#include "proto/names.def"
#undef FM_NAMES
#undef FM_NAME
#undef FM_NAMES_END

/* The names in the order of their enum, NULL-terminated: fm_names_type[FM_TYPE_FETCH] is "fetch".
 * Rows of FM_ENUM and FM_WORD point at these. */
#define FM_NAMES(LIST, list) extern const char *const fm_names_##list[];
#define FM_NAME(LIST, NAME, text)
#define FM_NAMES_END(LIST)
#include "proto/names.def"
#undef FM_NAMES
#undef FM_NAME
#undef FM_NAMES_END

#endif
