#!/bin/sh
# No function may exceed 60 lines, no file 700, no nesting 3. There is no list of exceptions.
find broker cli common deploy docs proto sql tests worker \
    \( -name '*.[ch]' -o -name '*.def' -o -name '*.sql' -o -name '*.sh' -o -name '*.awk' -o -name '*.py' \) \
    -exec awk -f tests/lint/sizes.awk {} +
