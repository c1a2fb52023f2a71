# shellcheck shell=bash
# OpenSSL for Windows: built with the MinGW toolchain from the distribution's source package, static libraries only.

# The same folder is read by cmake/toolchains/mingw-w64.cmake.
OPENSSL_WINDOWS=${WEIR_OPENSSL_WINDOWS:-${XDG_CACHE_HOME:-$HOME/.cache}/weir/openssl-windows}
readonly OPENSSL_WINDOWS

# Old algorithms and protocols, and parts that weir does not use. Programs on Windows must not read settings from a folder
# that every user can create, so no configuration file is read, and the built-in folders belong to the administrator.
OPENSSL_WINDOWS_FLAGS=(mingw64 --cross-compile-prefix=x86_64-w64-mingw32- --libdir=lib
    "--prefix=C:/Program Files/Common Files" --openssldir=SSL
    no-shared no-tests no-module no-legacy no-autoload-config no-engine no-dso no-async
    no-ssl3 no-tls1 no-tls1_1 no-dtls no-comp no-srp no-weak-ssl-ciphers
    no-md2 no-md4 no-mdc2 no-rc2 no-rc4 no-rc5 no-idea no-seed no-bf no-cast no-camellia no-aria no-rmd160 no-whirlpool
    no-sm2 no-sm3 no-sm4 no-gost no-dsa no-ec2m no-cms no-ts no-cmp)

openssl_windows_exists() {
    [[ -e $OPENSSL_WINDOWS/VERSION ]]
}

# build_openssl_windows: installs headers, libraries and the licence into OPENSSL_WINDOWS. The folder appears whole, or not
# at all.
build_openssl_windows() {
    say "OpenSSL for Windows: fetching and building it; this takes about ten minutes"
    build_for_windows openssl OpenSSL "$ROOT/build/openssl-windows.log" install_openssl_windows || return 1
    say "OpenSSL $(cat -- "$OPENSSL_WINDOWS/VERSION") for Windows is in $OPENSSL_WINDOWS"
}

# install_openssl_windows: builds ./source/tree and moves the result to OPENSSL_WINDOWS.
install_openssl_windows() {
    cross_build_openssl || return 1
    mkdir -p -- "$(dirname -- "$OPENSSL_WINDOWS")"
    rm -rf -- "$OPENSSL_WINDOWS"
    mv -- result "$OPENSSL_WINDOWS"
}

# cross_build_openssl: builds ./source/tree at low priority and installs it into ./result.
cross_build_openssl() {
    (
        cd source/tree
        ./Configure "${OPENSSL_WINDOWS_FLAGS[@]}"
        nice -n 19 make -j"${WEIR_OPENSSL_JOBS:-$(nproc)}" build_generated
        nice -n 19 make -j"${WEIR_OPENSSL_JOBS:-$(nproc)}" libcrypto.a libssl.a
    )
    mkdir -p result/lib result/include
    cp source/tree/libssl.a source/tree/libcrypto.a result/lib/
    cp -R source/tree/include/openssl result/include/
    rm -f result/include/openssl/*.h.in
    cp source/tree/LICENSE.txt result/LICENSE.txt
    dpkg-parsechangelog -l source/tree/debian/changelog -S Version >result/VERSION
}
