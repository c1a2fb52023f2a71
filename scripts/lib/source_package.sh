# shellcheck shell=bash
# Source packages of the distribution, for libraries that are cross-compiled for Windows.

# fetch_source PACKAGE: downloads the source package and unpacks it into ./source/tree. A mirror can list a version that it
# does not have yet, so older versions follow the newest one. A separate apt configuration in the current folder reads the
# lists of source packages, so that the machine's package lists stay unchanged.
fetch_source() {
    local version
    local -r SOURCE_HERE=$PWD
    mkdir -p lists/partial parts
    sources_of_this_machine >sources.list
    apt_here apt-get update
    for version in $(source_versions "$1"); do
        rm -rf source
        mkdir source
        if (cd source && apt_here apt-get source --download-only "$1=$version"); then
            (cd source && dpkg-source -x --no-check ./*.dsc tree) && return 0
        fi
    done
    return 1
}

# build_for_windows PACKAGE NAME LOG COMMAND: fetches the source package PACKAGE and runs COMMAND, which builds ./source/tree
# and copies the results, in a temporary folder. If that fails, prints the end of the output, which is in LOG.
build_for_windows() {
    local folder built=0
    folder=$(mktemp -d)
    mkdir -p -- "$(dirname -- "$3")"
    (set -e && cd -- "$folder" && fetch_source "$1" && "$4") >"$3" 2>&1 || built=1
    if ((built != 0)); then
        say "$2 for Windows cannot be built; the end of the output:"
        tail -n 30 "$3" | indent
    fi
    rm -rf -- "$folder"
    return "$built"
}

# source_versions PACKAGE: prints the versions in the package lists, the newest first.
source_versions() {
    apt_here apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -Vru
}

# apt_here COMMAND ARGUMENT...: runs a command of apt with the configuration in the folder SOURCE_HERE.
apt_here() {
    "$1" -q -o Dir::Etc::SourceList="$SOURCE_HERE/sources.list" -o Dir::Etc::SourceParts="$SOURCE_HERE/parts" \
        -o Dir::State::Lists="$SOURCE_HERE/lists" -o APT::Sandbox::User=root "${@:2}"
}

# sources_of_this_machine: prints a deb-src line for each distribution archive that this machine installs from.
# shellcheck disable=SC2016 # apt expands the names in the format
sources_of_this_machine() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk '$4 == "Debian" || $4 == "Ubuntu" { print "deb-src " $1 " " $2 " " $3 }' | sort -u
}
