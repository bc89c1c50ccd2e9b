#!/bin/sh
# C by cppcheck: bugs, slowness, what is not portable. Every finding is an error. Its uninitvar takes
# an array handed on to be filled for one that is read; the compilers and clang-tidy look for those.
mkdir -p build/lint/cppcheck
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -D_GNU_SOURCE -I. -Ibuild/release \
    -j "$(nproc)" --cppcheck-build-dir=build/lint/cppcheck \
    --enable=warning,performance,portability --suppress=missingIncludeSystem --suppress=uninitvar \
    --template='{file}:{line}: {id}: {message}' \
    broker cli common proto sql worker tests/clip
