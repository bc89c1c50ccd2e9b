#!/bin/sh
# `make quickstart` runs this after its build: it starts a stack, makes a clip, serves it on loopback,
# and takes it all the way twice, once as it is and once as an MP4, an MP3 and a cover out of one
# decode. URL=https://… uses that file instead of the clip, FETCHMEDIA_STATE_DIR another state
# directory. Exits with 1 when anything fails.
set -eu
cd "$(dirname "$0")/.."
fetchmedia=build/bin/fetchmedia
python=/usr/bin/python3
here=build/quickstart
outputs='[
 {"name":"video","format":"mp4","video":{"codec":"h264","height":720},"audio":{"codec":"aac"}},
 {"name":"sound","format":"mp3"},
 {"name":"cover","format":"jpg","at_seconds":4}]'
mkdir -p "$here/served"

heading() {
    printf '\n== %s\n' "$*"
}

fail() {
    echo "quickstart: $*" >&2
    exit 1
}

# Prints one member of the JSON on standard input: `field NAME…` is the path to it. Null prints nothing.
field() {
    "$python" -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[int(name) if isinstance(value, list) else name]
print("" if value is None else value)' "$@"
}

# ---- clean-up, which must run whatever happens ----

server=
allowed=
state=

# The broker may read the file at any moment, so it is replaced as a whole; owner and mode stay.
allow() {
    cp -p "$state/allow" "$state/allow.new"
    echo "$1" >>"$state/allow.new"
    mv "$state/allow.new" "$state/allow"
    allowed=$1
}

disallow() {
    cp -p "$state/allow" "$state/allow.new"
    grep -vxF "$allowed" "$state/allow" >"$state/allow.new" || true
    mv "$state/allow.new" "$state/allow"
}

undo() {
    [ -z "$allowed" ] || disallow
    # Repeated, because a signal that arrives between the server's fork and its exec is lost.
    while [ -n "$server" ] && kill "$server" 2>/dev/null; do
        sleep 0.1
    done
}
trap undo EXIT
trap 'exit 130' INT TERM

# ---- the stack and its key ----

config=${XDG_CONFIG_HOME:-$HOME/.config}/fetchmedia/config

saved() {
    sed -n "s/^$1 = //p" "$config" 2>/dev/null || true
}

heading "Starting FetchMedia"
up=$("$fetchmedia" up --detach --json) || fail "fetchmedia up failed"
base=$(echo "$up" | field base_url)
new_key=$(echo "$up" | field api_key)
password=$(echo "$up" | field password)
state=$(echo "$up" | field state_dir)
key=$new_key
if [ -n "$new_key" ]; then
    echo "$new_key" | "$fetchmedia" config set "$base"
else
    [ "$(saved url)" != "$base" ] || key=$(saved api_key)
fi
key=${key:-${FETCHMEDIA_API_KEY:-}}
[ -n "$key" ] || fail "the API key was shown at the first run and is not in $config: set FETCHMEDIA_API_KEY"
FETCHMEDIA_URL=$base
FETCHMEDIA_API_KEY=$key
export FETCHMEDIA_URL FETCHMEDIA_API_KEY
echo "Running at $base"

# curl, with the key in a header that appears in no process list.
request() {
    printf 'header = "Authorization: Bearer %s"\n' "$key" | curl -sS -K - "$@"
}

# ---- a clip to fetch ----

make_clip() {
    [ ! -s "$here/served/clip.mp4" ] || return 0
    heading "Making a clip: 8 seconds, 1280x720, moving pictures and a tone"
    build/bin/clip "$here/clip.new.mp4" 8
    mv "$here/clip.new.mp4" "$here/served/clip.mp4"
}

serve_clip() {
    : >"$here/server.log"
    "$python" -u -m http.server --bind 127.0.0.1 --directory "$here/served" 0 >>"$here/server.log" 2>&1 &
    server=$!
    port=
    waited=0
    while [ -z "$port" ]; do
        port=$(sed -n 's/^Serving HTTP on 127\.0\.0\.1 port \([0-9]*\).*/\1/p' "$here/server.log")
        if [ "$waited" -ge 100 ] || ! kill -0 "$server" 2>/dev/null; then
            fail "python's http.server did not start"
        fi
        waited=$((waited + 1))
        sleep 0.1
    done
    url=http://127.0.0.1:$port/clip.mp4
    # Private addresses are refused unless the operator allows them. Allow this one port until we are done.
    allow "127.0.0.1/32:$port"
}

url=${URL:-}
if [ -z "$url" ]; then
    make_clip
    serve_clip
fi

# ---- the file as it is ----

heading "POST $base/v1/videos/url?url=$url"
job=$(request -X POST -G --data-urlencode "url=$url" "$base/v1/videos/url" -H "Content-Type: application/json")
id=$(echo "$job" | field id) || fail "not accepted: $job"
"$fetchmedia" jobs watch "$id" || fail "the job did not succeed"
source_url=$(request "$base/v1/jobs/$id" | field outputs 0 url)
curl -sS -f -o "$here/source.mp4" "$source_url"
if [ -n "$server" ]; then
    cmp "$here/source.mp4" "$here/served/clip.mp4" || fail "the downloaded file differs from the one served"
    echo "The downloaded bytes equal the bytes served."
else
    echo "$(wc -c <"$here/source.mp4") bytes, saved as $here/source.mp4"
fi

# ---- three outputs of one decode ----

heading "The same link as a 720p MP4, an MP3 and a cover, from one decode"
rm -rf "$here/outputs"
"$fetchmedia" fetch "$url" --outputs "$outputs" --download "$here/outputs" --json >"$here/job.json" ||
    fail "the job did not succeed: $(cat "$here/job.json")"
"$python" - "$here/job.json" <<'PYTHON'
import json, sys

def facts(output):
    yield f"{output['size_bytes']:,} bytes"
    if output.get("duration_seconds"):
        yield f"{output['duration_seconds']:.2f} s"
    if video := output.get("video"):
        yield f"{video['codec']} {video['width']}x{video['height']}"
    if audio := output.get("audio"):
        yield f"{audio['codec']} {audio['channels']} channels, {audio['sample_rate']} Hz"

for output in json.load(open(sys.argv[1]))["outputs"]:
    print(f"{output['name']:8} {output['content_type']:12} {', '.join(facts(output))}")
PYTHON
for file in "$here"/outputs/*; do
    [ -s "$file" ] || fail "no outputs were saved"
    if command -v ffprobe >/dev/null 2>&1; then
        ffprobe -v error -show_entries stream=codec_name,width,height,channels -of csv=p=0 "$file" >"$here/probe" ||
            fail "ffprobe cannot read $file"
        echo "$file: $(tr '\n' ' ' <"$here/probe")"
    else
        echo "$file"
    fi
done

# ---- what to do next ----

heading "Done"
echo "Base URL: $base"
if [ -n "$new_key" ]; then
    echo "API key (shown only this once, saved in $config): $new_key"
    [ -z "$password" ] || echo "Operator's password (shown only this once): $password"
fi
cat <<NEXT
Next:
  curl -X POST "$base/v1/videos/url?url=https://example.org/video.mp4" \\
    -H "Authorization: Bearer \$(sed -n 's/^api_key = //p' $config)" -H "Content-Type: application/json"
  $fetchmedia fetch https://example.org/video.mp4 --download .
Stop it (jobs, keys and files are kept):
  $fetchmedia down --state-dir $state
NEXT
