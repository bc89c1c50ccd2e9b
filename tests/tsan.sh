#!/bin/sh
# Stories on programs built with TSan: `tsan.sh RELEASE_BIN BUILD [PYTEST…]`. The media program is the
# released one, for its threads are libav's. The supervisor gives its members an environment of their
# own, so a script in the place of each daemon tells TSan what it must know. What it has to say lands in
# BUILD/reports; ends with 1 when it said anything.
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
# Who looks for the broker below the supervisor by its program's path does not find it here.
stories=
for story in first_examples jobs keys batches lists waits delete download drain metrics pause; do
    stories="$stories tests/e2e/test_$story.py"
done
# Names are words.
# shellcheck disable=SC2086
FM_BIN_DIR=$bin PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider \
    -k "not killed_broker" tests/e2e/link $stories "$@" || status=1
cp -r "$reports" "$build/reports"
said=$(find "$build/reports" -type f | wc -l)
echo "tsan: $said processes had something to say"
[ "$status" = 0 ] && [ "$said" = 0 ]
