#!/bin/sh
# Three checks of the pages: those made from tables are what the tables make now; docs/cli.md has every
# command and option; and the paths, links and rooms that pages name are there.
make --no-print-directory -s programs >/dev/null || exit 1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
sh docs/generate.sh "$made" || exit 1
bad=0
for page in "$made"/*; do
    cmp -s "$page" "docs/${page##*/}" || {
        echo "docs/${page##*/} is older than its tables: make docs"
        bad=1
    }
done
for word in $(sed -n 's/^FM_COMMAND("\([a-z]*\)".*/fetchmedia.\1/p' cli/commands.def) \
    $(grep -o -- '--[a-z-]*' cli/commands.def | sort -u); do
    grep -q -e "$word" docs/cli.md || {
        echo "docs/cli.md lacks $word"
        bad=1
    }
done
awk -v below="$(make --no-print-directory print-below)" -f tests/lint/pages.awk \
    README.md CONTRIBUTING.md docs/*.md || bad=1
exit $bad
