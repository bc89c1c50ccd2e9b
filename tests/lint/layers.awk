# Reads C files; tells each #include that crosses a line, ends with 1 then.
BEGIN {
    may["common"] = "common"
    may["proto"] = "proto common"
    may["sql"] = "sql"
    may["broker"] = "broker sql proto common"
    may["worker"] = "worker proto common"
    may["worker/transfer"] = "worker/transfer proto common"
    may["worker/media"] = "worker/media proto common"
    may["cli"] = "cli common"

    # One foreign library, one door: the header, and the only files that may include it.
    door["microhttpd.h"] = "^broker/http(_[a-z]+)?\\.[ch]$"
    door["libpq-fe.h"] = "^broker/db(_[a-z]+)?\\.[ch]$"
    door["czmq.h"] = door["zmq.h"] = "^(broker/(link|secrets)|worker/link)\\.[ch]$"
    door["sodium.h"] = "^(common/hash|broker/secrets|broker/auth)\\.[ch]$"
    door["jansson.h"] = "^common/json(_[a-z]+)?\\.[ch]$"
    door["curl/curl.h"] = "^(common/(url|door)(_[a-z]+)?|cli/client)\\.[ch]$"
    door["msgpack.h"] = "^proto/pack\\.[ch]$"
    door["seccomp.h"] = "^worker/media/seal\\.[ch]$"
}

function room(path) {
    sub(/\/[^\/]*$/, "", path)
    return path
}

function tell(why) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, $2, why
    bad = 1
}

function allowed(place, other,    i, count, rooms) {
    count = split(may[place], rooms, " ")
    for (i = 1; i <= count; i++) {
        if (rooms[i] == other) {
            return 1
        }
    }
    return 0
}

/^#include "/ {
    path = $2
    gsub(/"/, "", path)
    if (path !~ /\//) {
        tell("includes are written from the root")
    } else if (!(room(FILENAME) in may)) {
        tell("this folder is no room")
    } else if (!allowed(room(FILENAME), room(path))) {
        tell("this room may not include that one")
    }
}

/^#include </ {
    header = $2
    gsub(/[<>]/, "", header)
    if (header in door && FILENAME !~ door[header]) {
        tell("this library has one door, and it is elsewhere")
    } else if (header ~ /^lib(av|sw)/ && FILENAME !~ /^worker\/media\//) {
        tell("only worker/media may see libav")
    }
}

END { exit bad }
