# Writes docs/cli.md from the commands and their exit codes:
#   awk -f docs/cli.awk cli/command.h cli/commands.def
BEGIN {
    print "# The command line\n"
    print "Made by `docs/cli.awk` from `cli/commands.def` and `cli/command.h`.\n"
    print "`fetchmedia COMMAND …`; `fetchmedia help` lists them. `up`, `down` and `status` look after the"
    print "processes on this machine; all else speaks the public HTTP API and needs nothing but an"
    print "address and a key."
}

# FM_EXIT_NAME = number, /* prose */
FILENAME ~ /command\.h$/ && /FM_EXIT_[A-Z]+ = / {
    code = $3
    sub(/,.*/, "", code)
    prose = ""
    if (match($0, /\/\* .* \*\//)) {
        prose = substr($0, RSTART + 3, RLENGTH - 6)
    } else if (code == 0) {
        prose = "done"
    }
    exits = exits "| " code " | " prose " |\n"
}

# FM_COMMAND("name", function, "arguments", "sentence")
/^FM_COMMAND\("/ {
    split($0, quoted, "\"")
    usage = "fetchmedia " quoted[2] (quoted[4] == "" ? "" : " " quoted[4])
    printf "\n## %s\n\n```\n%s\n```\n\n%s.\n", quoted[2], usage, \
        toupper(substr(quoted[6], 1, 1)) substr(quoted[6], 2)
}

END {
    print "\n## The address and the key\n"
    print "The address comes from `FETCHMEDIA_URL`, the key from `FETCHMEDIA_API_KEY` or from the file"
    print "named by `FETCHMEDIA_API_KEY_FILE`; where they are not set, both come from"
    print "`$XDG_CONFIG_HOME/fetchmedia/config` (`~/.config/fetchmedia/config`), a file of mode 0600 that"
    print "`fetchmedia config set` writes. A key is never taken from the command line, where every"
    print "process of the machine could read it.\n"
    print "## Output\n"
    print "On a terminal a job's progress is a bar; elsewhere it is plain lines. `--json` prints the job"
    print "object of the API and nothing else on standard output.\n"
    print "## Exit codes\n"
    print "| code | |"
    print "|---|---|"
    printf "%s", exits
}
