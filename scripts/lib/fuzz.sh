# shellcheck shell=bash
# Fuzzing: each fuzzer for FUZZ_SECONDS, from the inputs that are checked in.

FUZZ_SECONDS=${FUZZ_SECONDS:-3}

# fuzz_all: builds the fuzzers and runs each of them. What they learn is kept in build/fuzz/corpus, what
# they break in build/fuzz/found.
fuzz_all() {
    local fuzzer name status=0 executions total=0
    build_preset fuzz || return 1
    mkdir -p "$ROOT/build/fuzz/found"
    for fuzzer in "$ROOT"/build/fuzz/fuzz_*; do
        [[ -x $fuzzer && -f $fuzzer ]] || continue
        name=${fuzzer##*/fuzz_}
        mkdir -p "$ROOT/build/fuzz/corpus/$name"
        if ! "$fuzzer" -max_total_time="$FUZZ_SECONDS" -max_len=96 -print_final_stats=1 \
            -artifact_prefix="$ROOT/build/fuzz/found/$name-" "$ROOT/build/fuzz/corpus/$name" \
            "$ROOT/tests/fuzz/corpus/$name" >"$ROOT/build/fuzz/$name.log" 2>&1; then
            say "fuzz.$name found something (kept in build/fuzz/found, log in build/fuzz/$name.log):"
            tail -n 40 "$ROOT/build/fuzz/$name.log" | indent
            status=1
        fi
        executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$ROOT/build/fuzz/$name.log")
        total=$((total + ${executions:-0}))
    done
    say "fuzz: $total executions"
    ((total > 0)) || status=1 # what did not run found nothing
    return "$status"
}
