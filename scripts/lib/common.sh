# shellcheck shell=bash
# Shared by the scripts: the root of the tree, output, and a lock so that only one script builds at a time.

ROOT="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)"
readonly ROOT
# shellcheck disable=SC2034 # used by packages.sh
readonly EXIT_UNAVAILABLE=69 # sysexits.h EX_UNAVAILABLE: a required program or package is missing

# The caller may have closed stdin; the next opened file would then become stdin.
{ true <&0; } 2>/dev/null || exec </dev/null

# say TEXT: prints one line on stderr, because stdout is for the output of the program or of ctest.
say() {
    printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
}

# indent: copies stdin to stderr, indented.
indent() {
    sed 's/^/    /' >&2
}

# lock_builds: waits until no other script builds in this tree. The lock is descriptor 9; commands that could outlive
# the script run with it closed (9>&-).
lock_builds() {
    if ! { mkdir -p "$ROOT/build" && : >>"$ROOT/build/.lock"; } 2>/dev/null; then
        say "cannot write to $ROOT/build: remove it or change its owner (was it created by root?)"
        exit 73 # sysexits.h EX_CANTCREAT
    fi
    command -v flock >/dev/null || return 0
    exec 9>>"$ROOT/build/.lock"
    flock -n 9 && return 0
    say "another script is building in this tree; waiting for it"
    flock 9
}

unlock_builds() {
    exec 9>&-
}
