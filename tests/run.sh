#!/bin/sh
# Runs test programs one after another: `run.sh PROGRAM…`. It prints the last line of a program that
# passes and the whole output of one that fails. Exits with 1 when any failed.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for program; do
    if timeout 600 "$program" >"$log" 2>&1; then
        closing=$(grep -a 'PASSED' "$log" || tail -n 1 "$log")
        printf '%-34s %s\n' "${program##*/}" "$closing"
        grep -a '^\[  SKIPPED \] [^0-9]' "$log" | sort -u
    else
        cat "$log"
        printf '%-34s FAILED\n' "${program##*/}"
        failed=$((failed + 1))
    fi
done
[ "$failed" = 0 ] || {
    echo "$failed of $# test programs failed"
    exit 1
}
