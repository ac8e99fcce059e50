"""Remove outputs and execution counts from notebooks, so that a commit holds what was written.

Run as ``python scripts/strip_notebooks.py [--check] NOTEBOOK...``. With ``--check`` nothing is changed and
the exit code is 1 if there was something to remove.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat

KEPT_METADATA = ("kernelspec", "language_info")
LANGUAGE = {"name": "python"}


def stripped(text: str) -> str:
    """The notebook in ``text`` as it should be committed."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.metadata = {key: value for key, value in notebook.metadata.items() if key in KEPT_METADATA}
    notebook.metadata["language_info"] = LANGUAGE
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    """Strip or check the notebooks named; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("notebooks", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    changed = 0
    for path in options.notebooks:
        text = path.read_text(encoding="utf-8")
        clean = stripped(text)
        if clean != text:
            changed += 1
            print(f"{path}: has outputs or foreign metadata")
            if not options.check:
                path.write_text(clean, encoding="utf-8")
    return 1 if changed and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
