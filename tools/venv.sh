#!/bin/sh
# Bring .venv up to date for one lock file: `tools/venv.sh controller` or `tools/venv.sh test`.
#
# The stamp holds a digest of everything that .venv is made from, and is written last: an interrupted run is
# repeated. The test lock holds all of the controller's, so a test environment serves both.
set -eu
cd "$(dirname "$0")/.."
group=$1
venv=.venv
python=${PYTHON:-python3}

die() { printf 'gramex: %s\n' "$*" >&2; exit 1; }

command -v "$python" >/dev/null || die "$python not found. Install Python 3.11 or newer, or set PYTHON=/path/to/python3."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$("$python" --version) at $(command -v "$python") is too old to run Ansible here: 3.11 or newer is needed. Set PYTHON=/path/to/python3.11."

digest() { # GROUP -> digest of what its environment is made from
    { "$python" -c 'import sys; print(sys.version, sys.base_prefix)'; cat "locks/$1.txt" locks/uv.txt tools/venv.sh pyproject.toml; } |
        "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'
}

stamp=$(cat "$venv/stamp" 2>/dev/null || true)
[ "$stamp" = "$group $(digest "$group")" ] && exit 0
[ "$group" = controller ] && [ "$stamp" = "test $(digest test)" ] && exit 0
case "$stamp" in test*) group="test" ;; esac # never take the test tools away

ensure_venv_module() { # Debian ships python3 without the part that makes environments
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    [ -e /etc/debian_version ] || die "$python cannot make virtual environments (no module ensurepip): install it with your package manager."
    [ "$(id -u)" = 0 ] || die "$python cannot make virtual environments. Run once: sudo apt-get install python3-venv"
    echo "gramex: installing python3-venv"
    if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3-venv >/dev/null; }; then
        die "python3-venv could not be installed. Run: apt-get install python3-venv"
    fi
}

echo "gramex: preparing $venv ($group)"
ensure_venv_module
rm -f "$venv/stamp"
"$venv/bin/python" -c "import sys; sys.exit([*sys.version_info[:2], sys.base_prefix] != $("$python" -c 'import sys; print([*sys.version_info[:2], sys.base_prefix])'))" 2>/dev/null ||
    "$python" -m venv --clear "$venv" || die "no virtual environment could be made in $venv."

# uv reads neither pip's configuration nor, unless told, the system's certificates.
index=$("$venv/bin/pip" config get global.index-url 2>/dev/null || true)
[ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
export UV_SYSTEM_CERTS=1 UV_NO_PROGRESS=1

no_index="The package index could not be reached (see above). On a closed network set a mirror: pip config set global.index-url URL"
"$venv/bin/pip" --disable-pip-version-check install --quiet --require-hashes -r locks/uv.txt || die "$no_index"
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r "locks/$group.txt" || die "$no_index"
[ "$group" = controller ] ||
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --offline --no-deps --no-build-isolation -e .
echo "$group $(digest "$group")" >"$venv/stamp"
