# Writes docs/PROTOCOL.md from the tables, in this order:
#   awk -f proto/protocol.awk proto/formats.def proto/names.def proto/messages.def proto/spec.def
# A row is one line: NAME(argument, argument, …, "prose"), or with an example behind the prose.

# The row's arguments before its prose, into `row`; its prose into `prose`.
function split_row(line,    quoted, count, i) {
    sub(/^FM_[A-Z_]+\(/, "", line)
    split(line, quoted, "\"")
    prose = quoted[2]
    count = split(quoted[1], row, /,[ \t]*/)
    for (i = 1; i <= count; i++) {
        gsub(/^[ \t]+|[ \t]+$/, "", row[i])
    }
}

function link_to(record) {
    return "[" record "](#" record ")"
}

# FM_CODEC_AUTO → auto, FM_CANCEL_REASON_STALE → stale
function shown(value, names,    prefix) {
    prefix = "FM_" toupper(names) "_"
    return index(value, prefix) == 1 ? tolower(substr(value, length(prefix) + 1)) : value
}

function add_field(kind, limits, standard) {
    body[records] = body[records] "| `" row[2] "` | " kind " | " limits " | " standard " | " \
        prose " |\n"
}

function range(    high) {
    high = row[4] == "-1" && kind_name == "NUMBER" ? "2⁶⁴−1" : row[4]
    return (row[5] + 0 < row[3] + 0 ? row[5] ", " : "") row[3] " … " high
}

/^FM_RECORD\(/ {
    split_row($0)
    records++
    tag[records] = row[1]
    title[records] = prose
    from[records] = FILENAME
    next
}
/^FM_(NUMBER|SIGNED|REAL)\(/ {
    kind_name = substr($0, 4, index($0, "(") - 4)
    split_row($0)
    add_field(kind_name == "REAL" ? "real" : kind_name == "SIGNED" ? "integer" : "number", range(), row[5])
    next
}
/^FM_BOOL\(/ { split_row($0); add_field("bool", "", row[3]); next }
/^FM_ENUM\(/ {
    split_row($0)
    add_field("number", "of [" row[3] "](#names)", shown(row[4], row[3]))
    next
}
/^FM_TEXT\(/ { split_row($0); add_field("text", "≤ " row[3] " bytes", "absent"); next }
/^FM_WORD\(/ { split_row($0); add_field("text", "one of [" row[3] "](#names)", "absent"); next }
/^FM_BYTES\(/ { split_row($0); add_field("bytes", "≤ " row[3] " bytes", "absent"); next }
/^FM_SUB\(/ { split_row($0); add_field("map", link_to(row[3]), "absent"); next }
/^FM_LIST\(/ { split_row($0); add_field("list", "≤ " row[4] " " link_to(row[3]), "empty"); next }
/^FM_MESSAGE\(/ {
    split_row($0)
    senders = tolower(row[4])
    gsub(/fm_from_/, "", senders)
    gsub(/ *\| */, ", ", senders)
    messages = messages "| " row[1] " | " row[2] " | " senders " | " link_to(row[3]) " | " row[5] \
        " | " prose " |\n"
    next
}
# A name of names.def: FM_NAME(LIST, NAME, "name"); of formats.def: FM_LIST(NAME, "name", …). A name stands where the
# prose of other rows does.
FILENAME ~ /names\.def$/ && /^FM_NAME\(/ {
    split_row($0)
    add_name(tolower(row[1]), prose)
}
FILENAME ~ /formats\.def$/ && /^FM_[A-Z]+\(/ {
    split_row($0)
    add_name(tolower(substr($0, 4, index($0, "(") - 4)), prose)
}

function add_name(list, name) {
    if (!(list in count)) {
        lists[++list_count] = list
        count[list] = 0
        names[list] = ""
    }
    names[list] = names[list] (count[list] > 0 ? ", " : "") count[list] " " \
        (name == "" ? "(none)" : name)
    count[list]++
}

function print_records(file,    i) {
    for (i = 1; i <= records; i++) {
        if (from[i] == file) {
            print "\n### " tag[i] "\n\n" title[i] ".\n"
            print "| field | kind | range | default | |"
            print "|---|---|---|---|---|"
            printf "%s", body[i]
        }
    }
}

END {
    print "# The protocol\n"
    print "Made by `proto/protocol.awk` from `proto/messages.def`, `proto/spec.def`, `proto/names.def`"
    print "and `proto/formats.def`; `make lint` fails when this page is older than they are.\n"
    print "The broker and a worker speak it over ZeroMQ with CURVE, one message a frame; a worker and"
    print "its children speak it over a socket pair, one message a packet, descriptors with it.\n"
    print "- A message is a MessagePack array of two: its number, and a record. A frame is at most"
    print "  64 KiB; values nest at most 8 deep; nothing follows the array."
    print "- A record is a map from field name to value. What stands at its default is left out;"
    print "  names that are not known are skipped, so a field more is compatible both ways. A name"
    print "  stands once, and a map has at most 64."
    print "- *number* and *integer* take any of MessagePack's integer forms, *real* a float or an"
    print "  integer, *text* is `str`: UTF-8 without control bytes but tab and newline, *bytes* is"
    print "  `bin`, *map* and *list* hold the record named. Ext types and nil are refused."
    print "- A value outside its row, or a message its sender may not send, refuses the whole frame."
    print "  A message whose number is not known is dropped and counted.\n"
    print "## Messages\n"
    print "| number | message | sent by | record | descriptors at most | |"
    print "|---|---|---|---|---|---|"
    printf "%s", messages
    print "\n## Records of messages"
    print_records("proto/messages.def")
    print "\n## Records of a spec\n"
    print "A packed spec is the record [spec](#spec), at most 32 KiB."
    print_records("proto/spec.def")
    print "\n## Names\n"
    print "| list | numbers |"
    print "|---|---|"
    for (i = 1; i <= list_count; i++) {
        print "| " lists[i] " | " names[lists[i]] " |"
    }
}
