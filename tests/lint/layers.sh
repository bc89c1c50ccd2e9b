#!/bin/sh
# Checks that each room includes only the rooms the Makefile allows, and that foreign libraries are
# included only by their doors. symbols.sh then checks the same on the objects: what a room calls.
rooms=$(make --no-print-directory print-rooms)
below=$(make --no-print-directory print-below)
find broker cli common proto sql worker -name '*.[ch]' \
    -exec awk -v rooms="$rooms" -v below="$below" -f tests/lint/layers.awk {} + || exit 1
sh tests/lint/symbols.sh "$below"
