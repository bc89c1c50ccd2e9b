#!/bin/sh
# Generates the pages that come from tables, into a directory: `generate.sh DIRECTORY`. The page of the
# API needs the broker: `make programs`.
set -eu
out=$1
broker=${FM_BIN_DIR:-build/release/bin}/fetchmedia-broker
awk -f proto/protocol.awk proto/formats.def proto/names.def proto/messages.def proto/spec.def >"$out/PROTOCOL.md"
awk -f docs/settings.awk broker/config/reload.def broker/config/settings.def worker/settings.def >"$out/settings.md"
"$broker" openapi | /usr/bin/python3 docs/api.py docs/api.head.md >"$out/api.md"
