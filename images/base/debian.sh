#!/bin/sh
# Make a base image for images/Dockerfile from Debian packages alone: images/base/debian.sh [SUITE] [TAG]
# For networks without a container registry. Needs root, mmdebstrap and a container engine.
set -eu
suite=${1:-bookworm}
tag=${2:-gramex-base:$suite}
authorities=/usr/local/share/ca-certificates

die() { printf 'gramex: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "making a base image needs root"
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing. Run: apt-get install mmdebstrap"
docker info >/dev/null 2>&1 || die "no container engine answers. Start it first; make test brings one where there is none"

set -- --quiet --variant=minbase --include=ca-certificates,python3,python3-venv \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*'
# The machine's own authorities: a proxy may open TLS on the way to the package index.
if [ -n "$(find "$authorities" -name '*.crt' 2>/dev/null)" ]; then
    # shellcheck disable=SC2016  # $1 is for mmdebstrap's shell
    set -- "$@" --customize-hook="sync-in $authorities $authorities" --customize-hook='chroot "$1" update-ca-certificates'
fi
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT INT TERM
# The lists make up half of the size, and are old by the time that anybody would use them.
# shellcheck disable=SC2016
mmdebstrap "$@" --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' "$suite" - >"$archive"
docker import --change 'CMD ["bash"]' "$archive" "$tag" >/dev/null
echo "gramex: made $tag"
