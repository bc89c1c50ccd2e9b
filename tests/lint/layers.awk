# Reads C files; prints each #include that crosses a line, ends with 1 then. `rooms`: the Makefile's
# list, top first; `below`: "room:other other;…", what each room may include besides itself.
BEGIN {
    count = split(below, lists, "; *")
    for (i = 1; i <= count; i++) {
        colon = index(lists[i], ":")
        place = substr(lists[i], 1, colon - 1)
        may[place] = place " " substr(lists[i], colon + 1)
    }
    check_order()

    # One foreign library, one door: the header, and the only files that may include it.
    door["microhttpd.h"] = "^broker/http/[a-z_]+\\.[ch]$"
    door["libpq-fe.h"] = "^broker/db/[a-z_]+\\.[ch]$"
    door["czmq.h"] = door["zmq.h"] = "^(broker/(queue/link|config/secrets)|worker/link)\\.[ch]$"
    door["sodium.h"] = "^(common/hash|broker/config/secrets|broker/request/auth)\\.[ch]$"
    door["jansson.h"] = "^common/json(_[a-z]+)?\\.[ch]$"
    door["curl/curl.h"] = "^(common/(url|door)(_[a-z]+)?|cli/client)\\.[ch]$"
    door["msgpack.h"] = "^proto/pack\\.[ch]$"
    door["seccomp.h"] = "^worker/media/seal\\.[ch]$"
}

# A room stands above all that it may include: so there is no circle.
function check_order(    i, k, names, others, total, number) {
    total = split(rooms, names, " ")
    for (i = 1; i <= total; i++) {
        floor[names[i]] = i
    }
    for (i = 1; i <= total; i++) {
        number = split(may[names[i]], others, " ")
        for (k = 2; k <= number; k++) {
            if (!(others[k] in floor) || floor[others[k]] <= i) {
                printf "Makefile: BELOW_%s names %s, which does not stand below it in ROOMS\n", names[i], others[k]
                bad = 1
            }
        }
    }
}

function room(path) {
    sub(/\/[^\/]*$/, "", path)
    return path
}

function report(why) {
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
        report("includes are written from the root")
    } else if (!(room(FILENAME) in may)) {
        report("this folder is no room of the Makefile's ROOMS")
    } else if (!allowed(room(FILENAME), room(path))) {
        report("this room may not include that one (BELOW in the Makefile)")
    }
}

/^#include </ {
    header = $2
    gsub(/[<>]/, "", header)
    if (header in door && FILENAME !~ door[header]) {
        report("this library has one door, and it is elsewhere")
    } else if (header ~ /^lib(av|sw)/ && FILENAME !~ /^worker\/media\//) {
        report("only worker/media may see libav")
    }
}

END { exit bad }
