#!/bin/sh
# Runs shellcheck over all shell scripts.
find deploy docs tests .ci -name '*.sh' -exec shellcheck {} + && shellcheck .ci/run
