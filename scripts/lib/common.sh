# shellcheck shell=bash
# Shared by the scripts: where the tree lies, how they speak, and that two of them do not build at once.

ROOT="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)"
readonly ROOT
# shellcheck disable=SC2034 # used by packages.sh
readonly EXIT_UNAVAILABLE=69 # sysexits.h EX_UNAVAILABLE: something this needs is not here

# Whoever starts us may have closed stdin; the next file opened would then pose as it.
{ true <&0; } 2>/dev/null || exec </dev/null

# say TEXT: one line to the user, on stderr, because stdout belongs to the program or to ctest.
say() {
    printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
}

# indent: stdin to stderr, set off from our own lines.
indent() {
    sed 's/^/    /' >&2
}

# lock_builds: waits until no other script builds in this tree. The lock is descriptor 9; whoever starts
# a process that could outlive us closes it there (9>&-).
lock_builds() {
    if ! { mkdir -p "$ROOT/build" && : >>"$ROOT/build/.lock"; } 2>/dev/null; then
        say "cannot write to $ROOT/build: remove it, or make it yours (was it made by root?)"
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
