/* The rows of names.def as tables of texts. */
#include "proto/names.h"

#include <stddef.h>

/* clang-format off */
#define FM_NAMES(LIST, list) const char *const fm_names_##list[] = {
#define FM_NAME(LIST, NAME, text) text,
#define FM_NAMES_END(LIST) NULL };
/* clang-format on */
#include "proto/names.def"
