#!/bin/sh
# Every C file must be formatted the way .clang-format says.
find broker cli common proto sql tests worker -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
