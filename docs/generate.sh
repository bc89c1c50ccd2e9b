#!/bin/sh
# Generates the pages that come from tables, into a directory: `generate.sh DIRECTORY`.
set -eu
out=$1
awk -f proto/protocol.awk proto/operations.def proto/messages.def proto/spec.def >"$out/PROTOCOL.md"
awk -f docs/settings.awk broker/config/reload.def broker/config/settings.def worker/settings.def >"$out/settings.md"
