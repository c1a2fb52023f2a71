# shellcheck shell=bash
# Heavy peers: programs for tests that are large, or slow to install. WEIR_HEAVY_PEERS=1 installs them and runs their
# tests; then a missing program is a failure. Without it these tests are skipped, counted and reported. Installing them
# may start services of the system (Debian starts nginx on port 80), which is another reason for the switch.

export WEIR_HEAVY_PEERS=${WEIR_HEAVY_PEERS:-0}

# In the form of packages.sh.
HEAVY_TEST_NEEDS=(
    "lintian     lintian"
    "nginx       nginx-light nginx"
    "-           libnginx-mod-stream"
    "node        nodejs"
    "stunnel4    stunnel4"
    "sslscan     sslscan"
    "chromium    chromium"
    "chromedriver chromium-driver"
    "promtool    prometheus"
)

# heavy_peers_prepare: installs the peers if they are wanted; else starts the list of skipped tests, to which the tests
# add themselves (tests/system/heavy_peers.py).
heavy_peers_prepare() {
    if [[ $WEIR_HEAVY_PEERS == 1 ]]; then
        install_missing "${HEAVY_TEST_NEEDS[@]}"
    else
        export WEIR_HEAVY_SKIPPED="$ROOT/build/heavy_skipped"
        : >"$WEIR_HEAVY_SKIPPED"
    fi
}

# heavy_peers_report: prints how many different tests were skipped.
heavy_peers_report() {
    local count
    [[ -s ${WEIR_HEAVY_SKIPPED:-} ]] || return 0
    count=$(sort -u -- "$WEIR_HEAVY_SKIPPED" | wc -l)
    say "skipped $count tests with heavy peers: WEIR_HEAVY_PEERS=1 runs them (they are listed in build/heavy_skipped)"
}
