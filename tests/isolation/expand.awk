# Expands the @ lines of a spec; see README.md. `-v stamp=` is now in milliseconds as 12 hex digits.

function text_of(path,    line, text) {
    text = ""
    while ((getline line < path) > 0)
        text = text line "\n"
    close(path)
    sub(/;[ \n]*$/, "", text)
    return text
}

{
    gsub(/@node/, "'" node "'::uuid")
    gsub(/@job/, "'" job "'::uuid")
    gsub(/@other/, "'" other "'::uuid")
    gsub(/@account/, "'" account "'::uuid")
    gsub(/@mine/, "7001")
    gsub(/@theirs/, "7002")
}
/^@start/ {
    print "setup {"
    print "    TRUNCATE live, job, done, file, session, node;"
    print "    INSERT INTO node (id, name, public_key) VALUES ('" node "', 'one', repeat('x', 40));"
    print "}"
    next
}
/^@prepare/ {
    print "setup {"
    print "    DEALLOCATE ALL;"
    print "    SET deadlock_timeout = '100ms';"
    for (i = 2; i <= NF; i++)
        print "    PREPARE " $i " AS " text_of("sql/queries/" $i ".sql") ";"
    print "}"
    next
}
/^@verdict/ {
    sub(/^@verdict */, "")
    print "teardown {"
    print "    SELECT CASE WHEN EXISTS (" text_of("sql/queue_audit.sql") ") THEN 'BROKEN'"
    print "                WHEN (" $0 ") THEN 'fine' ELSE 'BROKEN' END AS verdict;"
    print "}"
    next
}
{ print }
BEGIN {
    node = "00000000-0000-7000-8000-00000000000a"
    account = "00000000-0000-7000-8000-00000000000b"
    # A UUIDv7 of today, so that a partition holds it.
    today = substr(stamp, 1, 8) "-" substr(stamp, 9, 4)
    job = today "-7000-8000-000000000001"
    other = today "-7000-8000-000000000002"
}
