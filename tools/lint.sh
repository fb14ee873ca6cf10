#!/bin/sh
# Every linter over every file it knows; all of them run, and the exit code says whether one complained.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
run() { printf '%s\n' "$*" | cut -c1-100; "$@" || failed=1; }

run ruff check --quiet .
run ruff format --quiet --check .
run mypy runtime/gramex
run mypy ansible/plugins tests/run.py
run yamllint --strict .
run ansible-lint --offline --profile production -q
git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck || failed=1
git ls-files -z '*Dockerfile' | xargs -0 hadolint || failed=1
exit $failed
