# shellcheck shell=bash
# The packages for building and testing; installs missing ones with apt.
#
# One requirement per line: a probe, then the Debian or Ubuntu packages that provide it; the first package that the
# distribution has is installed. A requirement is met if one of its packages is installed or its probe exists. A probe
# is a command, or a header if it ends in .h; "-" means no probe. "?" marks an optional requirement.

# shellcheck disable=SC2034 # used by the scripts that read this file
BUILD_NEEDS=(
    "cc          gcc clang"
    "stdio.h     libc6-dev"
    "cmake       cmake"
    "ninja       ninja-build"
    "pkg-config  pkg-config pkgconf"
    "liburing.h  liburing-dev"
    "openssl/ssl.h libssl-dev"
    "?-          node-llhttp"
    "?yaml.h     libyaml-dev"
    "?seccomp.h libseccomp-dev"
    "?nats/nats.h libnats-dev"
)
# shellcheck disable=SC2034
TEST_NEEDS=(
    "gcc         gcc"
    "clang       clang"
    "?-          libclang-rt-dev libclang-rt-14-dev libclang-rt-18-dev"
    "?clang-format-14 clang-format-14"
    "cmocka.h    libcmocka-dev"
    "gcovr       gcovr"
    "-           netcat-openbsd"
    "ncat        ncat"
    "socat       socat"
    "telnet      inetutils-telnet telnet"
    "curl        curl"
    "haproxy     haproxy"
    "?nats-server nats-server"
    "openssl     openssl"
    "gnutls-cli  gnutls-bin"
    "python3     python3"
    "-           python3-protobuf"
    "-           python3-prometheus-client"
    "-           python3-websockets"
    "-           python3-wsproto"
    "node        nodejs"
    "-           node-ws"
    "erl         erlang-base"
    "tshark      tshark"
    "strace      strace"
    "valgrind    valgrind"
    "ip          iproute2"
    "ps          procps"
    "nm          binutils"
    "pmccabe     pmccabe"
    "x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64"
    "wine        wine"
    "-           wine64"
    "dpkg-source dpkg-dev"
    "taskset     util-linux"
    "systemd-socket-activate systemd"
    "mandoc      mandoc"
    "logrotate   logrotate"
)

# install_missing NEED...: installs missing packages; calls apt only if some are missing. If a required package cannot
# be installed, the script exits with EXIT_UNAVAILABLE. Missing optional packages are ignored.
install_missing() {
    local -a required=() optional=() as_root=() names=()
    local need
    local -A installed=()
    packages_list_installed
    for need in "$@"; do
        need_is_met "${need#\?}" && continue
        if [[ $need == \?* ]]; then optional+=("$need"); else required+=("$need"); fi
    done
    ((${#required[@]} + ${#optional[@]} > 0)) || return 0

    for need in "${required[@]}"; do
        read -r _ need _ <<<"$need"
        names+=("$need")
    done
    if ! find_apt; then
        ((${#required[@]} > 0)) || return 0
        refuse "cannot install missing packages ($why_not)" "${names[@]}"
    fi
    install_with_apt
}

# install_with_apt: installs the caller's "required" and "optional" needs.
install_with_apt() {
    local apt_log need packages
    apt_log=$(mktemp)
    if ((${#required[@]} > 0)) || ! has_package_lists; then
        apt_update
    fi
    names=()
    for need in "${required[@]}" "${optional[@]}"; do
        read -r _ packages <<<"$need"
        choose_package "$need" "$packages"
    done
    if ((${#names[@]} > 0)); then
        say "installing: ${names[*]}"
        if ! apt_retry install -y --no-install-recommends "${names[@]}"; then
            tail -n 20 "$apt_log" | indent
            rm -f "$apt_log"
            if ((${#required[@]} > 0)); then
                refuse "apt-get install failed (its last lines are above)" "${names[@]}"
            fi
            say "apt-get install failed (its last lines are above); continuing without ${names[*]}"
        fi
    fi
    rm -f "$apt_log"
}

# packages_list_installed: fills the caller's table "installed"; stays empty without dpkg.
packages_list_installed() {
    local name state
    command -v dpkg-query >/dev/null || return 0
    while read -r name state; do
        [[ $state != installed ]] || installed[$name]=1
    done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null)
}

# need_is_met "PROBE PACKAGE...": succeeds if one of the packages is installed or the probe exists.
need_is_met() {
    local probe packages package
    read -r probe packages <<<"$1"
    for package in $packages; do
        [[ -z ${installed[$package]:-} ]] || return 0
    done
    case $probe in
    -) return 1 ;;
    *.h) [[ -e /usr/include/$probe || -e /usr/local/include/$probe ]] ;;
    *) command -v "$probe" >/dev/null ;;
    esac
}

# choose_package NEED "PACKAGE...": appends the first package that exists in this distribution to "names".
choose_package() {
    local package policy first=${2%% *}
    for package in $2; do
        policy=$(LC_ALL=C apt-cache policy "$package" 2>/dev/null || true)
        if [[ $policy == *"  Candidate: "[!\(]* ]]; then
            names+=("$package")
            return 0
        fi
    done
    if [[ $1 == \?* ]]; then
        say "note: this distribution has no package $first; continuing without it"
    else
        names+=("$first") # apt-get then reports the problem
    fi
}

# find_apt: sets "as_root" to the prefix that runs apt-get as root, or "why_not" to the reason why there is none.
find_apt() {
    if ! command -v apt-get >/dev/null; then
        why_not="apt-get is not installed"
    elif ((EUID == 0)); then
        as_root=()
        return 0
    elif ! command -v sudo >/dev/null; then
        why_not="not root, and sudo is not installed"
    elif sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
        return 0
    elif [[ -t 2 ]] && { : </dev/tty; } 2>/dev/null; then
        say "apt-get needs root to install packages: sudo may ask for your password"
        if sudo true; then
            as_root=(sudo)
            return 0
        fi
        why_not="sudo refused"
    else
        why_not="not root, and sudo would ask for a password"
    fi
    return 1
}

apt_update() {
    say "reading the package lists"
    apt_retry update -o APT::Update::Error-Mode=any && return 0
    tail -n 5 "$apt_log" | indent
    if has_package_lists; then
        say "apt-get update failed; continuing with the existing package lists"
    else
        say "apt-get update failed and there are no package lists; trying to install nevertheless"
    fi
}

has_package_lists() {
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

# apt_retry COMMAND...: runs apt-get up to three times; its output goes to "apt_log".
apt_retry() {
    local try
    for try in 1 2 3; do
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
            apt-get -q -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$apt_log" 2>&1 && return 0
        ((try == 3)) || {
            say "apt-get $1 failed (try $try of 3); trying again in $((try * 5)) s"
            sleep $((try * 5))
        }
    done
    return 1
}

# refuse REASON PACKAGE...: prints the missing packages and the command that installs them, and exits.
refuse() {
    say "$1"
    say "missing packages: ${*:2}"
    say "type as root: apt-get update && apt-get install -y --no-install-recommends ${*:2}"
    exit "$EXIT_UNAVAILABLE"
}
