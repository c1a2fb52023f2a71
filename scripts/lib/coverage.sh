# shellcheck shell=bash
# Coverage: the unit tests take every branch of these folders in both directions.

COVERED_FOLDERS=(filter session) # folders of src whose unit tests cover every branch

# Excluded: the failing branch of a check (base/check.h), and the retry of a compare-and-exchange, which depends on the
# timing of other threads.
COVERAGE_NO_BRANCH='.*(weir_(check|check_use|check_rule|unreachable)\(|atomic_compare_exchange_weak).*'

# coverage_all: builds the unit tests with coverage, runs them, and prints the branches that no test took. Tests with
# threads run three times, because some branches depend on timing. Tests of the Windows transport are excluded: they are
# slow and use none of these folders.
coverage_all() {
    local folder filters=() build="$ROOT/build/coverage" log="$ROOT/build/coverage.tests.log"
    build_preset coverage unit_tests || return 1
    find "$build" -name '*.gcda' -delete
    (
        cd -- "$build" || exit 1
        ctest -L '^unit$' -E '^unit\.(memwin|rio)' --output-on-failure --timeout "$TEST_TIMEOUT_S" -j"$TESTS_AT_ONCE" &&
            ctest -L '^unit$' -L '^threads$' --repeat until-fail:2 --output-on-failure --timeout "$TEST_TIMEOUT_S" -j"$TESTS_AT_ONCE"
    ) >"$log" 2>&1 </dev/null 9>&- || {
        say "the unit tests fail with coverage; the output:"
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
    say "these lines have a condition that is never true or never false in the unit tests: test it, or remove the code"
    return 1
}
