#!/bin/sh
# The pages made from the tables are as the tables make them now.
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
exit $stale
