#!/bin/sh
# Which room may include what, and through which files a foreign library is entered.
find broker cli common proto sql worker -name '*.[ch]' -exec awk -f tests/lint/layers.awk {} +
