#!/bin/sh
# Runs clang-tidy with the rules of .clang-tidy. A file is checked again when it, or a file it includes,
# has changed.
exec make --no-print-directory -k -j "$(nproc)" tidy
