# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the tools: packages of Debian, installed only if they are missing, and build directories.

build_packages=(gcc libc6-dev meson ninja-build pkg-config musl-tools libcjson-dev libcap-dev libseccomp-dev
    libsystemd-dev libnl-route-3-dev)
# What only tests are built with; without it those that need it are skipped.
test_packages=(libfuse3-dev g++ abigail-tools)
# What looks at the manual and at completions of shells, and reads the guides' files.
manual_packages=(mandoc groff-base zsh fish python3-yaml curl)
# What builds and looks at the packages of packaging/, and makes a Debian to install them on.
packaging_packages=(debhelper dpkg-dev lintian mmdebstrap rpm rpmlint)
# What a guest is made and run with; tests/guest/packages tells what it is made of.
guest_packages=(qemu-system-x86 mmdebstrap e2fsprogs squashfs-tools)

# Sets `missing` to those of the named packages that are not installed.
find_missing() {
    missing=()
    command -v dpkg-query >/dev/null || return 0 # not Debian: what is there must do
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
}

# Installs what is missing of the named packages, without a question. A failure is reported, and told by
# the status.
install_packages() {
    find_missing "$@"
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        echo "${0##*/}: not root, cannot install: ${missing[*]}" >&2
        return 1
    fi
    echo "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { DEBIAN_FRONTEND=noninteractive apt-get update &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
        </dev/null >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        echo "${0##*/}: these packages could not be installed: ${missing[*]}" >&2
        return 1
    fi
    rm -f "$log"
}

# configure DIR OPTION…: anew if DIR belongs to another copy of the sources or to other options.
configure() {
    local directory=$1 wanted="$PWD ${*:2}"
    shift
    if [[ $(cat "$directory/configured-for" 2>/dev/null) != "$wanted" ]]; then
        rm -rf "$directory"
        meson setup "$directory" "$@" && printf '%s\n' "$wanted" >"$directory/configured-for"
    fi
}
