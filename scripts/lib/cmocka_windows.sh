# shellcheck shell=bash
# cmocka for Windows: built with the MinGW toolchain from the distribution's source package.

# build_cmocka_windows: installs cmocka into build/cmocka-windows, unless it is already there.
build_cmocka_windows() {
    local folder
    [[ ! -e $ROOT/build/cmocka-windows/lib/libcmocka-static.a ]] || return 0
    say "cmocka for Windows: fetching and building it"
    folder=$(mktemp -d)
    local -r CMOCKA_HERE=$folder
    if ! (cd -- "$folder" && fetch_cmocka_source && cross_build_cmocka) >"$ROOT/build/cmocka-windows.log" 2>&1; then
        say "cmocka for Windows cannot be built; the output:"
        tail -n 30 "$ROOT/build/cmocka-windows.log" | indent
        rm -rf -- "$folder"
        return 1
    fi
    rm -rf -- "$folder"
}

# fetch_cmocka_source: downloads the source package into ./source. A separate apt configuration reads the lists of source
# packages, so that the machine's package lists stay unchanged.
fetch_cmocka_source() {
    mkdir -p lists/partial parts source
    sources_of_this_machine >sources.list
    apt_here update
    (cd source && apt_here source --download-only cmocka && dpkg-source -x --no-check ./*.dsc tree)
}

apt_here() {
    apt-get -q -o Dir::Etc::SourceList="$CMOCKA_HERE/sources.list" -o Dir::Etc::SourceParts="$CMOCKA_HERE/parts" \
        -o Dir::State::Lists="$CMOCKA_HERE/lists" -o APT::Sandbox::User=root "$@"
}

# sources_of_this_machine: prints a deb-src line for each distribution archive that this machine installs from.
# shellcheck disable=SC2016 # apt expands the names in the format
sources_of_this_machine() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk '$4 == "Debian" || $4 == "Ubuntu" { print "deb-src " $1 " " $2 " " $3 }' | sort -u
}

cross_build_cmocka() {
    cmake -S source/tree -B build -G Ninja -DCMAKE_TOOLCHAIN_FILE="$ROOT/cmake/toolchains/mingw-w64.cmake" \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF
    cmake --build build --target cmocka-static
    mkdir -p "$ROOT/build/cmocka-windows/include" "$ROOT/build/cmocka-windows/lib"
    cp source/tree/include/cmocka.h "$ROOT/build/cmocka-windows/include/"
    cp "$(find build -name libcmocka-static.a)" "$ROOT/build/cmocka-windows/lib/"
}
