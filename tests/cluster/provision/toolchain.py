"""The Go that builds Kubernetes: the one on the path, or the newer one that it fetches as a module.

Go fetches newer toolchains by itself since 1.21, as the module golang.org/toolchain. Debian 12's is older,
and can fetch it all the same: https://go.dev/ref/mod#toolchain has the module's form.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NEEDED = (1, 25)
FETCHED = "go1.25.5"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def find_go() -> str:
    """A Go that is new enough; ends the program with a way out where there is none."""
    found = shutil.which("go")
    if found is None:
        sys.exit(
            "No Go on the path to build Kubernetes with: install it (Debian, Ubuntu: apt install golang-go)."
        )
    if release(_run(found, "version")) >= NEEDED:
        return found
    return str(_fetch(found) / "bin" / "go")


def release(text: str) -> tuple[int, int]:
    """Major and minor of what ``go version`` prints.

    >>> release("go version go1.19.8 linux/amd64")
    (1, 19)
    """
    match = re.search(r"go(\d+)\.(\d+)", text)
    assert match is not None, text
    return int(match[1]), int(match[2])


def _fetch(go: str) -> Path:
    """Have ``go`` fetch the newer one into its module cache; returns its directory."""
    machine = f"{sys.platform}-{ARCHITECTURES[platform.machine()]}"
    with tempfile.TemporaryDirectory() as work:
        told = _run(
            go, "mod", "download", "-json", f"golang.org/toolchain@v0.0.1-{FETCHED}.{machine}", cwd=work
        )
    root = Path(json.loads(told)["Dir"])
    # A module's files are not executable; Go does the same for the toolchains that it fetches itself.
    for program in (*root.glob("bin/*"), *root.glob("pkg/tool/*/*")):
        program.chmod(0o755)
    return root


def _run(*command: str, cwd: str | None = None) -> str:
    return subprocess.run(
        command, check=True, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=cwd
    ).stdout
