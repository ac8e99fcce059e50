#!/usr/bin/env bash
# Prints the Python that the virtual environment is made with: $PYTHON, else the first one on the path
# that is 3.11 or newer and can make environments.
set -euo pipefail

readonly PROBE='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c "$PROBE" >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done
echo "No Python 3.11 or newer with venv on the path. Install it (Debian, Ubuntu: apt install python3-venv;" \
    "macOS: brew install python@3.12) or name one: make PYTHON=/path/to/python3" >&2
exit 1
