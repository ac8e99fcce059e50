#!/usr/bin/env bash
# Resolves pyproject.toml into the lock files, for every supported Python and platform at once.
# An up-to-date pin stays: to renew them all, run with UPGRADE=1.
set -euo pipefail

uv=$(command -v uv) || {
    echo "make lock needs uv: pip install uv" >&2
    exit 1
}
# Where packages came from is the business of each machine, not of the lock.
readonly options=(
    --quiet --universal --python-version 3.11 --generate-hashes --no-annotate
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
    ${UPGRADE:+--upgrade}
)
"$uv" pip compile "${options[@]}" --extra test --group build --no-emit-package sparkk8s-nb \
    --output-file requirements.lock pyproject.toml
"$uv" pip compile "${options[@]}" --group build --constraint requirements.lock \
    --output-file requirements-build.lock
"$uv" pip compile "${options[@]}" --group node --output-file requirements-node.lock
