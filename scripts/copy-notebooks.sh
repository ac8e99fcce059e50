#!/usr/bin/env bash
# Copies the notebooks from $1 to $2 but never over one that is there: running a notebook changes it, and
# neither the checkout nor anybody's edits should suffer from that.
set -euo pipefail

mkdir -p "$2"
for notebook in "$1"/*.ipynb; do
    copy=$2/$(basename "$notebook")
    if [[ ! -e $copy ]]; then
        cp "$notebook" "$copy"
    elif ! cmp -s "$notebook" "$copy"; then
        echo "Kept your $copy (delete it to get the original back)"
    fi
done
