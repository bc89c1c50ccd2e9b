#!/bin/sh
# Installs the Debian packages that are missing: `deps.sh [build|check]` (check: what `make check`
# and `make lint` need besides). What is missing is judged by command, header, file or module, never
# by package name: a machine may have its own. Nothing missing: nothing is asked, nothing is done.
# clang's runtime (sanitizers, libFuzzer) is a package of clang's version. Where clang itself is missing,
# the package without a number fits the clang that is about to be installed.
set -eu

what=${1:-build}
case $what in
    build | check) ;;
    *)
        echo "usage: deps.sh [build|check]" >&2
        exit 2
        ;;
esac
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

clang_version=$(clang -dumpversion 2>/dev/null | cut -d. -f1) || true
clang_folder=$(clang -print-resource-dir 2>/dev/null) || true

# set, how to judge, what to look for, the package that brings it. Releases name some packages
# differently: the first of `new|old` that apt knows is installed.
needs() {
    cat <<TABLE
build command gcc                               gcc
build header  stdio.h                           libc6-dev
build command pkg-config                        pkg-config
build header  microhttpd.h                      libmicrohttpd-dev
build header  postgresql/libpq-fe.h             libpq-dev
build header  czmq.h                            libczmq-dev
build header  zmq.h                             libzmq3-dev
build header  curl/curl.h                       libcurl4-openssl-dev
build header  msgpack.h                         libmsgpack-c-dev|libmsgpack-dev
build header  jansson.h                         libjansson-dev
build header  sodium.h                          libsodium-dev
build header  seccomp.h                         libseccomp-dev
build header  uthash.h                          uthash-dev
build header  libavformat/avformat.h            libavformat-dev
build header  libavcodec/avcodec.h              libavcodec-dev
build header  libavfilter/avfilter.h            libavfilter-dev
build header  libavutil/avutil.h                libavutil-dev
build header  libswscale/swscale.h              libswscale-dev
build header  libswresample/swresample.h        libswresample-dev
build file    /usr/lib/postgresql/*/bin/postgres postgresql
build command useradd                           passwd
build command curl                              curl
build file    /etc/ssl/certs/ca-certificates.crt ca-certificates
build module  http.server                       python3
check header  cmocka.h                          libcmocka-dev
check module  pytest                            python3-pytest
check module  requests                          python3-requests
check module  jsonschema                        python3-jsonschema
check module  zmq                               python3-zmq
check module  msgpack                           python3-msgpack
check command ffmpeg                            ffmpeg
check command ffprobe                           ffmpeg
check command node                              nodejs
check command ip                                iproute2
check command clang                             clang
check file    ${clang_folder:-none}/lib/*/libclang_rt.fuzzer*.a libclang-rt${clang_version:+-$clang_version}-dev
check command clang-format                      clang-format
check command clang-tidy                        clang-tidy
check command cppcheck                          cppcheck
check command shellcheck                        shellcheck
TABLE
}

# The pattern is expanded here and nowhere else.
# shellcheck disable=SC2086
any_file() {
    for path in $1; do
        if [ -e "$path" ]; then
            return 0
        fi
    done
    return 1
}

is_there() {
    case $1 in
        command) command -v "$2" >/dev/null 2>&1 ;;
        header) any_file "/usr/include/$2" || any_file "/usr/include/*-linux-gnu*/$2" ;;
        file) any_file "$2" ;;
        module) [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "import $2" >/dev/null 2>&1 ;;
    esac
}

missing=$(needs | while read -r set kind thing package; do
    if [ "$set" = build ] || [ "$set" = "$what" ]; then
        is_there "$kind" "$thing" || echo "$package"
    fi
done | sort -u | tr '\n' ' ')
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    echo "These packages are missing, and there is neither root nor sudo to install them:" >&2
    echo "  $missing" >&2
    exit 1
fi
command -v apt-get >/dev/null 2>&1 || {
    echo "There is no apt-get here; what is missing, by Debian's names: $missing" >&2
    exit 1
}

# The server package makes and starts a cluster `main` of its own unless told otherwise. It is not
# ours to have, nor to touch where there is one; afterwards the machine's own rule stands again.
no_main=/etc/postgresql-common/createcluster.d/fetchmedia-no-main.conf
forbid_main() {
    if ! is_there file '/usr/lib/postgresql/*/bin/postgres'; then
        $as_root mkdir -p "${no_main%/*}"
        echo "create_main_cluster = false" | $as_root tee "$no_main" >/dev/null
        trap '$as_root rm -f "$no_main"' EXIT
    fi
}

# The first of the names between bars that this release has; if it has none, apt is to say so.
choose_package() {
    echo "$1" | tr '|' '\n' | while read -r name; do
        if [ -n "$(apt-cache show "$name" 2>/dev/null)" ]; then
            echo "$name"
            break
        fi
    done | grep . || echo "${1%%|*}"
}

forbid_main
$as_root apt-get -q update
packages=$(for names in $missing; do choose_package "$names"; done)
# Package names are words.
# shellcheck disable=SC2086
set -- $packages
echo "Installing: $*"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
