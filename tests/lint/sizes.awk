# Reads files; tells each function and file that is too long and each statement nested too deep, ends
# with 1 then. In formatted C a function's braces alone stand in the first column.
function tell(line, what, length_lines, limit) {
    printf "%s:%d: %s of %d lines; %d are allowed\n", path, line, what, length_lines, limit
    bad = 1
}

function close_file() {
    if (lines > 500) {
        tell(1, "a file", lines, 500)
    }
}

FNR == 1 { close_file(); path = FILENAME }
{ lines = FNR }
FILENAME ~ /\.[ch]$/ && /^\{/ { opened = FNR }
FILENAME ~ /\.[ch]$/ && /^\}/ && opened {
    if (FNR - opened - 1 > 60) {
        tell(opened, "a function", FNR - opened - 1, 60)
    }
    opened = 0
}
# A statement that opens a fourth level stands 16 columns in.
FILENAME ~ /\.[ch]$/ && opened && /^                +(if|for|while|switch|do|[A-Z_]+_(FOREACH|ITER)[A-Z_]*) / {
    printf "%s:%d: nested deeper than 3\n", path, FNR
    bad = 1
}
END { close_file(); exit bad }
