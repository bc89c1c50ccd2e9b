#!/bin/sh
# Runs every check and reports which failed. The findings of a check are printed above its line.
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin
failed=
for check in format layers sizes docs shell cppcheck tidy; do
    if sh "tests/lint/$check.sh"; then
        echo "lint: $check is clean"
    else
        echo "lint: $check FAILED"
        failed="$failed $check"
    fi
done
[ -z "$failed" ] || {
    echo "lint failed:$failed"
    exit 1
}
echo "lint passed"
