#!/bin/sh
# Writes the pages made from the tables into the directory named: `generate.sh DIRECTORY`.
set -eu
out=$1
awk -f proto/protocol.awk proto/operations.def proto/messages.def proto/spec.def >"$out/PROTOCOL.md"
awk -f docs/settings.awk broker/config/reload.def broker/config/settings.def worker/settings.def >"$out/settings.md"
