# shellcheck shell=bash
# Coverage: every branch of these folders is taken, either way, by the unit tests.

COVERED_FOLDERS=(session) # of src; a folder is added when its own tests reach all of it

# What a check (base/check.h) would do if it did not hold is no branch of ours; whether an exchange meets another
# thread's is up to the machine.
COVERAGE_NO_BRANCH='.*(weir_(check|check_use|check_rule|unreachable)\(|atomic_compare_exchange_weak).*'

# coverage_all: builds the unit tests so that they count, runs them, and says which branches none took. Tests with
# threads run three times, because what only happens when two meet may not happen the first time. What runs Windows's
# transport alone is left out: it takes long, and sees none of these folders.
coverage_all() {
    local folder filters=() build="$ROOT/build/coverage" log="$ROOT/build/coverage.tests.log"
    build_preset coverage unit_tests || return 1
    find "$build" -name '*.gcda' -delete
    (
        cd -- "$build" || exit 1
        ctest -L '^unit$' -E '^unit\.(memwin|rio)' --output-on-failure --timeout "$TEST_TIMEOUT_S" -j2 &&
            ctest -L '^unit$' -L '^threads$' --repeat until-fail:2 --output-on-failure --timeout "$TEST_TIMEOUT_S" -j2
    ) >"$log" 2>&1 </dev/null 9>&- || {
        say "the unit tests fail when they count; this is what was said:"
        indent <"$log"
        return 1
    }
    for folder in "${COVERED_FOLDERS[@]}"; do
        filters+=(--filter "src/$folder/")
    done
    (
        cd -- "$ROOT" || exit 1
        gcovr -r . "${filters[@]}" --branches --fail-under-branch 100 \
            --exclude-branches-by-pattern "$COVERAGE_NO_BRANCH" --txt "$build/table.txt" "$build"
    ) >"$log" 2>&1 </dev/null 9>&- && return 0
    indent <"$log"
    [[ ! -f $build/table.txt ]] || sed -n '/^File/,$p' "$build/table.txt" | grep -v ' 100%' | indent
    say "these lines have a condition that no unit test made true, or none made false: test it, or remove the code"
    return 1
}
