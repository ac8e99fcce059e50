"""Finding a Java that Spark can run on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import JavaError

MINIMUM = 17
"""Spark 4 needs Java 17 or newer (Spark's documentation)."""

HOW_TO_GET = (
    "Install Java 17 or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless; "
    "macOS: brew install openjdk@17) or set JAVA_HOME."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java installation: its home directory and its feature version, 17 or 21."""

    home: Path
    version: int


def find_java(environ: Mapping[str, str]) -> Java:
    """The Java that Spark's own scripts would take: ``JAVA_HOME``, else ``java`` on the path.

    Raises
    ------
    JavaError
        If there is none, it does not run, or it is older than 17.
    """
    tried: list[str] = []
    for home in _candidates(environ):
        version = _version(home / "bin" / "java")
        if version is None:
            tried.append(f"{home} does not run")
        elif version < MINIMUM:
            tried.append(f"{home} is Java {version}")
        else:
            return Java(home=home, version=version)
    if tried:
        raise JavaError(f"Spark needs Java {MINIMUM} or newer, but {', '.join(tried)}.", fix=HOW_TO_GET)
    raise JavaError("There is no Java on this machine.", fix=HOW_TO_GET)


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    """``JAVA_HOME`` alone if it is set (Spark obeys it too), else the path's, else the usual places."""
    if home := environ.get("JAVA_HOME"):
        yield Path(home)
        return
    if found := shutil.which("java", path=environ.get("PATH")):
        yield Path(found).resolve().parent.parent
    for base in (Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines"), Path("/opt/java")):
        if base.is_dir():
            for installed in sorted(base.iterdir(), reverse=True):
                for candidate in (installed, installed / "Contents" / "Home"):
                    if (candidate / "bin" / "java").is_file():
                        yield candidate


def _version(java: Path) -> int | None:
    """The feature version, or None if it does not run within 20 s."""
    release = java.parent.parent / "release"
    if release.is_file():
        text = release.read_text(encoding="utf-8", errors="replace")
        if (match := re.search(r'^JAVA_VERSION="(\d+)(?:\.(\d+))?', text, re.MULTILINE)) and java.is_file():
            return _feature(match)
    try:
        result = subprocess.run(
            [str(java), "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d+)(?:\.(\d+))?', result.stderr + result.stdout)
    return _feature(match) if match else None


def _feature(match: re.Match[str]) -> int:
    """17 of 17.0.15, 8 of 1.8.0."""
    major = int(match.group(1))
    return int(match.group(2) or 0) if major == 1 else major
