#!/usr/bin/env bash
# Copies the notebooks of the checkout $1 into $2/notebooks but never over one that is there: running a notebook
# changes it, and neither the checkout nor anybody's edits should suffer from that. Their pictures come along, to
# where the notebooks look for them.
set -euo pipefail

mkdir -p "$2/notebooks" "$2/docs/pictures"
cp "$1"/docs/pictures/*.png "$2/docs/pictures"
for notebook in "$1"/notebooks/*.ipynb; do
    copy=$2/notebooks/$(basename "$notebook")
    if [[ ! -e $copy ]]; then
        cp "$notebook" "$copy"
    elif ! cmp -s "$notebook" "$copy"; then
        echo "Kept your $copy (delete it to get the original back)"
    fi
done
