#!/bin/sh
# Runs fuzz targets: `run.sh BUILD SECONDS JOBS TARGET…`. What a target finds new joins its corpus in
# BUILD/corpus/x, a finding lies beside it as BUILD/x-crash-… A line for each; ends with 1 on any.
set -u

# One target to its end, and the line on it.
run_one() {
    corpus=$build/corpus/$1 log=$build/$1.log
    mkdir -p "$corpus"
    "$build/tests/fuzz_$1" -max_total_time="$seconds" -max_len="$(limit "$1")" -timeout=20 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/$1-" \
        "$corpus" "tests/fuzz/corpus/$1" >"$log" 2>&1
    set -- "$1" $?
    findings=$(find "$build" -maxdepth 1 -name "$1-*-*" | wc -l)
    awk -v name="$1" -v seconds="$seconds" -v findings="$findings" '
        / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") edges = $(i + 1)
                                              if ($i == "corp:") inputs = $(i + 1) } }
        /^Done / { seconds = $(NF - 1) }
        /^stat::number_of_executed_units/ { runs = $2 }
        END { printf "%-10s %6d s %12d executions %6d edges %16s inputs %3d findings\n", name,
                     seconds, runs, edges, inputs, findings }' "$log"
    [ "$2" = 0 ] && [ "$findings" = 0 ]
}

# The longest input worth trying: what its reader accepts, or for media what a small file needs.
limit() {
    case $1 in
        media) echo 65536 ;;
        message | spec) echo 8192 ;;
        *) echo 4096 ;;
    esac
}

if [ "$1" = one ]; then
    build=$2 seconds=$3
    run_one "$4"
    exit
fi
build=$1 seconds=$2 jobs=$3
shift 3
printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh "$0" one "$build" "$seconds"
