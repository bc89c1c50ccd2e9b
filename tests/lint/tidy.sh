#!/bin/sh
# C by clang-tidy, by .clang-tidy's rules. A file is read again when it or what it includes changed.
exec make --no-print-directory -k -j "$(nproc)" tidy
