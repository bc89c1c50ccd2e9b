# Writes docs/settings.md from the settings tables:
#   awk -f docs/settings.awk broker/config/reload.def broker/config/settings.def worker/settings.def
BEGIN {
    print "# Settings\n"
    print "Made by `docs/settings.awk` from `broker/config/settings.def` and `worker/settings.def`.\n"
    print "Each may be given as `--name`, as the environment's `FETCHMEDIA_NAME`, or as `name = value`"
    print "in a file (`fetchmedia-worker --config FILE`; for the broker `FETCHMEDIA_CONFIG`), in that"
    print "order of strength. A name nobody knows is an error that suggests the nearest one. Secrets are"
    print "never taken from the command line."
    print "What is marked \"at SIGHUP\" the broker reads anew then; where anything is wrong with what it"
    print "reads, the old values stay and the log says why. `allow_file` is read at every use."
    print "`fetchmedia up` sets those that follow from its own options and the state directory."
}

function bounds() {
    if (kind == "NUMBER") {
        return low " … " high
    }
    return kind == "BOOL" ? "true, false" : "≤ " high " bytes"
}

/^FM_RELOAD\(/ {
    split($0, reload, /[()]/)
    reloaded["broker", reload[2]] = 1
}

FNR == 1 && FILENAME !~ /reload/ {
    program = FILENAME
    sub(/\/.*/, "", program)
    print "\n## fetchmedia-" program "\n"
    print "| setting | default | range | |"
    print "|---|---|---|---|"
}

# FM_SETTING(KIND, name, "default", low, high, "sentence")
/^FM_SETTING\(/ {
    split($0, quoted, "\"")
    split(quoted[1], head, /[(,] */)
    split(quoted[3], range, /, */)
    kind = head[2]
    low = range[2]
    high = range[3]
    standard = quoted[2] == "" ? "" : "`" quoted[2] "`"
    sentence = quoted[4]
    gsub(/\|/, "\\|", sentence)
    printf "| `%s` | %s | %s | %s%s%s |\n", head[3], standard, bounds(), sentence, \
        kind == "SECRET" ? " (secret)" : "", (program, head[3]) in reloaded ? " (at SIGHUP)" : ""
}
