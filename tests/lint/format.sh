#!/bin/sh
# Every C file is as .clang-format would have it.
find broker cli common proto sql tests worker -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
