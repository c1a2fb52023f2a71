# shellcheck shell=bash
# Work in the background, at low priority: while tests wait for events, the processors do this.

# begin_ahead "NAME COMMAND [ARGUMENT...]"...: runs the commands one after the other, and keeps the output of each.
begin_ahead() {
    ahead_folder="$ROOT/build/ahead"
    rm -rf -- "$ahead_folder"
    mkdir -p -- "$ahead_folder"
    set -m # a process group of its own, for stop_ahead
    (
        trap - EXIT
        set +me
        renice -n 19 "$BASHPID" >/dev/null
        for one in "$@"; do
            read -ra words <<<"$one"
            "${words[@]:1}" >"$ahead_folder/${words[0]}.log" 2>&1 && : >"$ahead_folder/${words[0]}.passed"
            : >"$ahead_folder/${words[0]}.ended"
        done
    ) </dev/null 9>&- &
    ahead_pid=$!
    set +m
}

# end_ahead NAME: waits for the end of the command, and prints its output. Returns whether it passed.
end_ahead() {
    while [[ ! -e $ahead_folder/$1.ended ]] && kill -0 "$ahead_pid" 2>/dev/null; do
        sleep 0.2
    done
    cat -- "$ahead_folder/$1.log" >&2 && [[ -e $ahead_folder/$1.passed ]]
}

# stop_ahead: ends what still runs.
stop_ahead() {
    [[ -z ${ahead_pid:-} ]] || kill -- "-$ahead_pid" 2>/dev/null || true
}
