#!/bin/sh
# Resolve pyproject.toml into hashed requirement files, one a purpose. They name no package index, so pip and uv take
# the packages from whichever index or mirror the machine is set up for.
set -eu
cd "$(dirname "$0")/.."
tools/venv.sh controller
export UV_SYSTEM_CERTS=1
lock() { # NAME PYTHON OPTION...
    name=$1 python=$2
    shift 2
    .venv/bin/uv pip compile --quiet --universal --python-version "$python" --generate-hashes --no-header --no-annotate --upgrade \
        "$@" --output-file "locks/$name.txt"
}
lock runtime 3.10 --extra speed --extra windows pyproject.toml
lock uv 3.11 --group bootstrap
lock build 3.10 --group build
lock controller 3.11 --group controller
lock test 3.11 --extra speed --extra data --extra ldap --extra redis --extra metrics pyproject.toml --group controller --group test
lock wine 3.11 --group wine
lock pandas 3.11 --group pandas
lock full-gramex 3.10 --group full-gramex --no-emit-package crontab --no-emit-package python-pptx --no-emit-package sqlitedict
lock full-gramex-source 3.10 --group full-gramex-source --no-deps
