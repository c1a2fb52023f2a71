# shellcheck shell=bash
# Wine for the tests: one prefix of our own, its server started once, on one core with what it serves.

# start_wine: sets and exports what Wine reads, makes the prefix when there is none, and starts its server.
# stop_wine ends it.
start_wine() {
    export WINEPREFIX="$ROOT/build/wine" WINEDEBUG=-all WINEDLLOVERRIDES="mscoree=;mshtml=;winemenubuilder.exe="
    unset DISPLAY
    mkdir -p -- "$ROOT/build"
    ulimit -n "$(ulimit -Hn)" # the limit of whoever starts the server counts for all that it serves
    [[ -e $WINEPREFIX/system.reg ]] || wine_quietly wine wineboot -i || return 1
    wine_quietly wineserver -k || true # one that stays, of a run that was killed: it would be waited for for ever
    # A server that a program started goes with its last program, and whoever starts just then finds it going: so one
    # of our own, that stays. The first program starts helpers that stay too, and would hold on to its output.
    wine_quietly wineserver -w
    wine_quietly wineserver -p
    wine_quietly wine winecfg -v win10
}

wine_quietly() {
    taskset -c 0 "$@" </dev/null >/dev/null 2>&1 9>&-
}

stop_wine() {
    [[ -z ${WINEPREFIX:-} ]] || wine_quietly wineserver -k || true
}
