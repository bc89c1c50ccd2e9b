#!/bin/sh
# Checks that every symbol a room's objects use is defined in that room or in one below it:
# `symbols.sh BELOW`, with BELOW as in layers.awk. It builds and reads the release archives.
lib=build/release/lib
make --no-print-directory -s -j "$(nproc)" MODE=release programs >/dev/null || exit 1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
echo "$1" | tr ';' '\n' | sed -n 's/^ *\([^:]*\):.*/\1/p' >"$made/rooms"
while read -r room; do
    archive=$lib/$(echo "$room" | tr / -).a
    # A room that has objects has symbols; broker/ has none but main.c, which is in no archive.
    if ! [ -f "$archive.list" ] || { grep -q '\.o' "$archive.list" && ! nm --defined-only -g "$archive" 2>/dev/null | grep -q .; }; then
        echo "$archive: nm finds no symbols in it" >&2
        exit 1
    fi
    nm --defined-only -g "$archive" 2>/dev/null | awk -v room="$room" 'NF == 3 { print "D", room, $3 }'
    nm -u "$archive" 2>/dev/null | awk -v room="$room" '$1 == "U" { print "U", room, $2 }'
done <"$made/rooms" >"$made/symbols" || exit 1
awk -v below="$1" '
    BEGIN {
        count = split(below, lists, "; *")
        for (i = 1; i <= count; i++) {
            colon = index(lists[i], ":")
            may[substr(lists[i], 1, colon - 1)] = " " substr(lists[i], colon + 1) " "
        }
    }
    # A name that several rooms define (the daemons have some in common) says nothing, and is skipped.
    $1 == "D" && ($3 in home) && home[$3] != $2 { shared[$3] = 1 }
    $1 == "D" { home[$3] = $2 }
    $1 == "U" { calls[$2 " " $3] = 1 }
    END {
        for (call in calls) {
            split(call, part, " ")
            other = home[part[2]]
            if (other != "" && !(part[2] in shared) && other != part[1] && index(may[part[1]], " " other " ") == 0) {
                printf "%s uses %s, which is defined in %s\n", part[1], part[2], other
                bad = 1
            }
        }
        exit bad
    }' "$made/symbols"
