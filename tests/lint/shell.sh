#!/bin/sh
# Shell scripts, by shellcheck.
find deploy docs tests .ci -name '*.sh' -exec shellcheck {} + && shellcheck .ci/run
