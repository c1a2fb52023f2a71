# shellcheck shell=bash
# Wine for the tests: a separate prefix, whose server is started once and runs on one core with its programs.

# start_wine: exports the settings of Wine, creates the prefix if there is none, and starts its server. stop_wine stops
# the server.
start_wine() {
    export WINEPREFIX="$ROOT/build/wine" WINEDEBUG=-all WINEDLLOVERRIDES="mscoree=;mshtml=;winemenubuilder.exe="
    unset DISPLAY
    mkdir -p -- "$ROOT/build"
    ulimit -n "$(ulimit -Hn)" # the limit of the server applies to all its programs
    [[ -e $WINEPREFIX/system.reg ]] || wine_quietly wine wineboot -i || return 1
    wine_quietly wineserver -k || true # stops the server of a killed run, which would never exit
    # A server started by a program exits with the last program, and a program that starts at that moment fails. The
    # server started here stays. The first program starts helpers that stay, too, and would keep its output open.
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
