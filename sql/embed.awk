# Embeds the statements and migrations: `awk -f sql/embed.awk FILE…` writes the C text of
# embedded.c, with `-v header=1` the declarations of queries.h. A file is one statement.

function base(path) {
    sub(/.*\//, "", path)
    sub(/\.sql$/, "", path)
    return path
}

function quoted(line) {
    gsub(/\\/, "\\\\", line)
    gsub(/"/, "\\\"", line)
    gsub(/\?/, "\\?", line)
    return "    \"" line "\\n\""
}

function symbol(path) {
    return (path ~ /migrations\//) ? "migration_" base(path) : "fm_sql_" base(path)
}

function finish() {
    if (!header && name != "")
        print "    ;"
}

function begin(path) {
    finish()
    name = symbol(path)
    is_migration = path ~ /migrations\//
    if (is_migration) {
        migrations[++count] = base(path)
        if (!header)
            print "static const char " name "[] ="
    } else if (header) {
        print "extern const char " name "[];"
    } else {
        print "const char " name "[] ="
    }
}

BEGIN {
    print "/* Made by sql/embed.awk from the .sql files: change those. */"
    if (!header) {
        print "#include \"sql/sql.h\"\n"
        print "#pragma GCC diagnostic ignored \"-Woverlength-strings\""
    }
}
FNR == 1 { begin(FILENAME) }
!header { print quoted($0) }
END {
    finish()
    if (header)
        exit
    print "const struct fm_sql_migration fm_sql_migrations[] = {"
    for (i = 1; i <= count; i++) {
        title = migrations[i]
        number = title + 0
        sub(/^[0-9]+_/, "", title)
        printf "    {%d, \"%s\", migration_%s},\n", number, title, migrations[i]
    }
    print "};"
    print "const size_t fm_sql_migration_count = " count ";"
}
