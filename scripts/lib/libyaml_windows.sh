# shellcheck shell=bash
# libyaml for Windows: built with the MinGW toolchain from the distribution's source package.

# build_libyaml_windows: installs libyaml into build/libyaml-windows, unless it is already there.
build_libyaml_windows() {
    [[ ! -e $ROOT/build/libyaml-windows/lib/libyaml.a ]] || return 0
    say "libyaml for Windows: fetching and building it"
    build_for_windows libyaml libyaml "$ROOT/build/libyaml-windows.log" cross_build_libyaml
}

# cross_build_libyaml: builds ./source/tree and copies its header, its static library and its licence.
cross_build_libyaml() {
    cmake -S source/tree -B build -G Ninja -DCMAKE_TOOLCHAIN_FILE="$ROOT/cmake/toolchains/mingw-w64.cmake" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF
    cmake --build build --target yaml
    mkdir -p "$ROOT/build/libyaml-windows/include" "$ROOT/build/libyaml-windows/lib"
    cp source/tree/include/yaml.h "$ROOT/build/libyaml-windows/include/"
    cp source/tree/License "$ROOT/build/libyaml-windows/"
    cp "$(find build -name 'libyaml*.a' -print -quit)" "$ROOT/build/libyaml-windows/lib/libyaml.a"
}
