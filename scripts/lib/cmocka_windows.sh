# shellcheck shell=bash
# cmocka for Windows: built with the MinGW toolchain from the distribution's source package.

# build_cmocka_windows: installs cmocka into build/cmocka-windows, unless it is already there.
build_cmocka_windows() {
    [[ ! -e $ROOT/build/cmocka-windows/lib/libcmocka-static.a ]] || return 0
    say "cmocka for Windows: fetching and building it"
    build_for_windows cmocka cmocka "$ROOT/build/cmocka-windows.log" cross_build_cmocka
}

cross_build_cmocka() {
    cmake -S source/tree -B build -G Ninja -DCMAKE_TOOLCHAIN_FILE="$ROOT/cmake/toolchains/mingw-w64.cmake" \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF
    cmake --build build --target cmocka-static
    mkdir -p "$ROOT/build/cmocka-windows/include" "$ROOT/build/cmocka-windows/lib"
    cp source/tree/include/cmocka.h "$ROOT/build/cmocka-windows/include/"
    cp "$(find build -name libcmocka-static.a)" "$ROOT/build/cmocka-windows/lib/"
}
