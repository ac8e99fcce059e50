#!/usr/bin/env bash
# Makes or renews the virtual environment $1 from the lock files: exact versions, every file checked
# against its hash, nothing fetched that the lock does not name (hence no build isolation).
set -euo pipefail

readonly venv=$1
readonly pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input)

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    python=$(scripts/find-python.sh)
    echo "Making $venv with $python ($("$python" --version))"
    "$python" -m venv --clear "$venv"
fi
echo "Installing the locked dependencies (the first time Spark's 450 MB come along: a few minutes)"
"${pip[@]}" install --quiet --require-hashes -r requirements-build.lock
"${pip[@]}" install --quiet --require-hashes --no-build-isolation -r requirements.lock
"${pip[@]}" install --quiet --no-deps --no-build-isolation --editable .
