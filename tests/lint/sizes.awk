# Reads files and prints each function and file that is too long and each statement nested too deep;
# exits with 1 if there is one. In formatted C only a function's braces stand in the first column.
function report(line, what, length_lines, limit) {
    printf "%s:%d: %s of %d lines; the limit is %d\n", path, line, what, length_lines, limit
    bad = 1
}

function close_file() {
    if (lines > 700) {
        report(1, "a file", lines, 700)
    }
}

FNR == 1 { close_file(); path = FILENAME }
{ lines = FNR }
FILENAME ~ /\.[ch]$/ && /^\{/ { opened = FNR }
FILENAME ~ /\.[ch]$/ && /^\}/ && opened {
    if (FNR - opened - 1 > 60) {
        report(opened, "a function", FNR - opened - 1, 60)
    }
    opened = 0
}
# A statement that opens a fourth level is indented by 16 columns.
FILENAME ~ /\.[ch]$/ && opened && /^                +(if|for|while|switch|do|[A-Z_]+_(FOREACH|ITER)[A-Z_]*) / {
    printf "%s:%d: nested deeper than 3\n", path, FNR
    bad = 1
}
END { close_file(); exit bad }
