# Reads pages; prints each path they name that is not there, and each room of CONTRIBUTING.md whose row
# differs from the Makefile; exits with 1 then. `below`: "room:other other;…", from print-below.
BEGIN {
    count = split(below, lists, "; *")
    for (i = 1; i <= count; i++) {
        colon = index(lists[i], ":")
        name = substr(lists[i], 1, colon - 1)
        if (name != "") {
            may[name] = substr(lists[i], colon + 1)
            gsub(/broker\//, "", may[name])
        }
    }
}

function report(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what
    bad = 1
}

function is_there(path) {
    return system("test -e '" path "'") == 0
}

# Names with capitals stand for something, and what is outside the source folders is not ours to find.
function check_path(text) {
    if (text ~ /^[a-z0-9_]+\.sql$/) {
        text = "sql/queries/" text
    }
    if (text ~ /^(broker|cli|common|deploy|docs|proto|sql|tests|worker)\/[a-z0-9_.\/]+$/ && !is_there(text)) {
        report(text " is not there")
    }
}

function check_link(text,    folder) {
    sub(/#.*/, "", text)
    folder = FILENAME
    sub(/[^\/]*$/, "", folder)
    if (text != "" && text !~ /^[a-z]+:/ && !is_there(folder text)) {
        report("the link to " text " leads nowhere")
    }
}

function is_same_set(one, other,    i, list, seen, number) {
    number = split(one, list, " ")
    for (i = 1; i <= number; i++) {
        seen[list[i]] = 1
    }
    if (split(other, list, " ") != number) {
        return 0
    }
    for (i = 1; i <= number; i++) {
        if (!(list[i] in seen)) {
            return 0
        }
    }
    return 1
}

function check_room(row,    cells, name, others) {
    split(row, cells, /[ ]*\|[ ]*/)
    name = cells[2]
    gsub(/`/, "", name)
    sub(/\/$/, "", name)
    others = cells[3] == "–" ? "" : cells[3]
    if (!(name in may)) {
        report(name " is no room of the Makefile")
    } else if (!is_same_set(others, may[name])) {
        report(name " may include, by the Makefile: " may[name])
    }
    drawn[name] = 1
}

/^ *```/ { in_code = !in_code }
/^\| room \| may include \|/ { in_rooms = 1 }
!/^\|/ { in_rooms = 0 }
in_rooms && /^\| `/ { check_room($0) }
!in_code {
    rest = $0
    while (match(rest, /`[^`]*`/)) {
        check_path(substr(rest, RSTART + 1, RLENGTH - 2))
        rest = substr(rest, RSTART + RLENGTH)
    }
    rest = $0
    while (match(rest, /\]\([^)]*\)/)) {
        check_link(substr(rest, RSTART + 2, RLENGTH - 3))
        rest = substr(rest, RSTART + RLENGTH)
    }
}
END {
    for (name in may) {
        if (!(name in drawn)) {
            printf "CONTRIBUTING.md: the room %s has no row\n", name
            bad = 1
        }
    }
    exit bad
}
