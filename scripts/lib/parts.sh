# shellcheck shell=bash
# The parts of scripts/test and scripts/campaign, and the environment of their tests.

readonly TEST_TIMEOUT_S=300 # for tests without their own timeout
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"
failed=()

# part NAME COMMAND...: runs one part, measures its time, and records a failure.
part() {
    local name=$1 began=$SECONDS
    shift
    say "$name ..."
    if "$@"; then
        say "$name: passed ($((SECONDS - began)) s)"
    else
        say "$name: FAILED ($((SECONDS - began)) s)"
        failed+=("$name")
    fi
}

# end_parts: says how long all parts took, and exits; names the failed ones.
end_parts() {
    local list
    say "$SECONDS s in total"
    ((${#failed[@]} > 0)) || exit 0
    printf -v list '%s; ' "${failed[@]}"
    say "FAILED: ${list%; }"
    exit 1
}

# sanitized PRESET KIND [CTEST ARGUMENT...]: runs the tests of a sanitizer preset. Address randomization over many bits
# breaks the sanitizers of older compilers (programs do not start, or crash at random). Therefore the tests run without
# randomization where the system allows that.
# shellcheck disable=SC2317 # called by part
sanitized() {
    local test_runner=() preset=$1 kind=$2
    shift 2
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        test_runner=(setarch "$(uname -m)" -R)
    fi
    if ! sanitizer_starts "$kind"; then
        say "SKIPPED: a program built with -fsanitize=$kind does not start on this kernel (see above)"
        [[ ${CI:-} != true ]] # unattended runs must not skip this
        return
    fi
    test_preset "$preset" "$@"
}

# shellcheck disable=SC2317 # called by sanitized
sanitizer_starts() {
    local folder status=0
    folder=$(mktemp -d)
    printf 'int main(void) { return 0; }\n' >"$folder/probe.c"
    gcc "-fsanitize=$1" -o "$folder/probe" "$folder/probe.c" &&
        "${test_runner[@]}" "$folder/probe" || status=1
    rm -rf -- "$folder"
    return "$status"
}
