#!/bin/sh
# The pages made from the tables are as the tables make them now, and the page on the command line
# knows every command and option.
make --no-print-directory -s programs >/dev/null || exit 1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
sh docs/generate.sh "$made" || exit 1
stale=0
for page in "$made"/*; do
    cmp -s "$page" "docs/${page##*/}" || {
        echo "docs/${page##*/} is older than its tables: make docs"
        stale=1
    }
done
for word in $(sed -n 's/^FM_COMMAND("\([a-z]*\)".*/fetchmedia.\1/p' cli/commands.def) \
    $(grep -o -- '--[a-z-]*' cli/commands.def | sort -u); do
    grep -q -e "$word" docs/cli.md || {
        echo "docs/cli.md does not know $word"
        stale=1
    }
done
exit $stale
