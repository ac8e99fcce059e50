#!/usr/bin/env bash
# Sees to it that there is a Node that can build the JupyterLab extension: this machine's own, or else the locked one,
# which is put into the virtual environment $1 (its programs have to be found first on PATH).
set -euo pipefail

readonly venv=$1

# As `engines` in labextension/package.json says; a node without npm is of no use.
is_new_enough() {
    local test='const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)'
    node -e "$test" 2>/dev/null && npm --version >/dev/null 2>&1
}

if ! is_new_enough; then
    echo "No Node here that is new enough: installing one into $venv"
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --require-hashes \
        -r requirements-node.lock
    hash -r
    is_new_enough || {
        echo "The Node in $venv does not run here: install Node 22.12 or newer." >&2
        exit 1
    }
fi
echo "Node $(node --version): $(command -v node)"
