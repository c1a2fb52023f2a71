# shellcheck shell=bash
# Builds a CMake preset, with output only on failure, and runs its tests.

# Tests mostly wait for events: with more tests than processors at the same time, the processors wait less.
TESTS_AT_ONCE=${TESTS_AT_ONCE:-4}

# build_preset PRESET [TARGET]: configures and builds it, or only the target. The output goes to build/PRESET.log and is
# printed on failure.
build_preset() {
    local log="$ROOT/build/$1.log" werror=()
    forget_moved_build "$1"
    # Users compile the release preset with warnings that we do not know. With our compiler it has none.
    [[ $1 != release ]] || werror=(-DWEIR_WERROR=ON)
    (
        cd -- "$ROOT" || exit 1
        cmake --preset "$1" "${werror[@]}" && cmake --build --preset "$1" ${2:+--target "$2"}
    ) >"$log" 2>&1 </dev/null 9>&- && return 0
    say "preset $1 does not build; the output:"
    indent <"$log"
    say "preset $1 does not build (output above, kept in build/$1.log)"
    return 1
}

# forget_moved_build PRESET: removes a build folder that was created under another path, which CMake rejects.
forget_moved_build() {
    local cache="$ROOT/build/$1/CMakeCache.txt" made_for
    [[ -f $cache ]] || return 0
    made_for=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
    [[ $made_for == "$ROOT" ]] || rm -rf -- "$ROOT/build/${1:?}"
}

# test_preset PRESET [CTEST ARGUMENT...]: runs its tests, with the caller's "test_runner" as command prefix.
# shellcheck disable=SC2154 # test_runner is the caller's
test_preset() {
    (
        cd -- "$ROOT" || exit 1
        "${test_runner[@]}" ctest --preset "$1" --output-on-failure --timeout "$TEST_TIMEOUT_S" -j"$TESTS_AT_ONCE" "${@:2}"
    ) </dev/null 9>&-
}
