#!/bin/sh
# Runs stories on programs built with TSan: `tsan.sh RELEASE_BIN BUILD [PYTEST…]`. The media program is
# the release build, because its threads are libav's. The supervisor gives each daemon a clean
# environment, so a script takes the place of each daemon and passes TSan its options. TSan's reports
# end up in BUILD/reports; the script exits with 1 when there are any.
set -eu

release=$1 build=$PWD/$2
shift 2
real=$build/stories/real bin=$build/stories/bin
reports=$(mktemp -d /var/tmp/fetchmedia-tsan-XXXXXX)
chmod 1777 "$reports"
trap 'rm -rf "$reports"' EXIT
rm -rf "$build/stories" "$build/reports"
mkdir -p "$real" "$bin"
cp "$build"/bin/fetchmedia* "$real/"
cp "$release/fetchmedia-media" "$real/"
cp "$real"/* "$release/clip" "$bin/"
for daemon in fetchmedia-broker fetchmedia-worker; do
    cat >"$bin/$daemon" <<SCRIPT
#!/bin/sh
TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp second_deadlock_stack=1 log_path=$reports/$daemon" \\
    exec $real/$daemon "\$@"
SCRIPT
done
status=0
# Stories that look for the broker by the path of its program are left out: here that is a script.
stories=
for story in first_examples jobs keys batches lists waits delete download drain metrics pause; do
    stories="$stories tests/e2e/test_$story.py"
done
# One word per name: splitting is intended.
# shellcheck disable=SC2086
FM_BIN_DIR=$bin PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider \
    -k "not killed_broker" tests/e2e/link $stories "$@" || status=1
cp -r "$reports" "$build/reports"
count=$(find "$build/reports" -type f | wc -l)
echo "tsan: $count processes have reports"
[ "$status" = 0 ] && [ "$count" = 0 ]
