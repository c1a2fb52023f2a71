# shellcheck shell=bash
# Fuzzing: runs each fuzzer for FUZZ_SECONDS, starting with tests/fuzz/corpus.

FUZZ_SECONDS=${FUZZ_SECONDS:-3}
FUZZ_BYTES_MAX=96 # most defects need few bytes, and short inputs run faster
# But some inputs are longer: the Unix-domain addresses of a PROXY header have 216 bytes, a ClientHello and a request head
# several hundred, and the second form of a frame's length begins at 126.
declare -A FUZZ_LONGER=([proxy_header]=600 [tls]=2000 [websocket]=400 [websocket_head]=1000 [yaml_reader]=400)
readonly FUZZ_BYTES_MAX FUZZ_LONGER

# fuzz_one FUZZER: runs one fuzzer. New inputs go to build/fuzz/corpus, failing inputs to build/fuzz/found.
fuzz_one() {
    local name=${1##*/fuzz_}
    mkdir -p "$ROOT/build/fuzz/corpus/$name"
    "$1" -max_total_time="$FUZZ_SECONDS" -max_len="${FUZZ_LONGER[$name]:-$FUZZ_BYTES_MAX}" -print_final_stats=1 \
        -artifact_prefix="$ROOT/build/fuzz/found/$name-" "$ROOT/build/fuzz/corpus/$name" \
        "$ROOT/tests/fuzz/corpus/$name" >"$ROOT/build/fuzz/$name.log" 2>&1 9>&- && return 0
    say "fuzz.$name found something (kept in build/fuzz/found, log in build/fuzz/$name.log):"
    tail -n 40 "$ROOT/build/fuzz/$name.log" | indent
    return 1
}

# fuzz_all: builds the fuzzers and runs them one after the other.
fuzz_all() {
    local fuzzers=() log at status=0 executions total=0
    build_preset fuzz || return 1
    mkdir -p "$ROOT/build/fuzz/found"
    rm -f -- "$ROOT"/build/fuzz/*.log
    for at in "$ROOT"/build/fuzz/fuzz_*; do
        [[ ! -x $at || ! -f $at ]] || fuzzers+=("$at")
    done
    for at in "${fuzzers[@]}"; do
        fuzz_one "$at" || status=1
    done
    for log in "$ROOT"/build/fuzz/*.log; do
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        ((${executions:-0} > 0)) || status=1 # a fuzzer without executions is a failure
        total=$((total + ${executions:-0}))
    done
    ((${#fuzzers[@]} > 0)) || status=1
    say "fuzz: $total executions by ${#fuzzers[@]} fuzzers"
    return "$status"
}
