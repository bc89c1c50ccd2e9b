#!/bin/sh
# Which room may include what, as the Makefile lists them, and through which files a foreign library
# is entered. The objects are asked as well: a room may call only what stands below it.
rooms=$(make --no-print-directory print-rooms)
below=$(make --no-print-directory print-below)
find broker cli common proto sql worker -name '*.[ch]' \
    -exec awk -v rooms="$rooms" -v below="$below" -f tests/lint/layers.awk {} + || exit 1
sh tests/lint/symbols.sh "$below"
