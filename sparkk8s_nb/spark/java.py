"""Finding a Java that Spark can run on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
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


USUAL_PLACES = (Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines"), Path("/opt/java"))
"""Where packages install Java: a JupyterLab from a desktop's menu often has no Java on its path."""


def find_java(environ: Mapping[str, str], *, usual: Sequence[Path] | None = None) -> Java:
    """The Java that Spark's own scripts would take (``JAVA_HOME``, else the path's), else one where it usually is.

    Parameters
    ----------
    environ : Mapping
    usual : sequence of Path, optional
        Directories of installations; :data:`USUAL_PLACES` if not given.

    Raises
    ------
    JavaError
        If there is none, it does not run, or it is older than 17.
    """
    tried: list[str] = []
    told = environ.get("JAVA_HOME")
    for home in _candidates(environ, usual):
        name = f"JAVA_HOME={home}" if told else str(home)
        version = _version(home / "bin" / "java")
        if version is None:
            tried.append(f"{name} has no Java that runs")
        elif version < MINIMUM:
            tried.append(f"{name} is Java {version}")
        else:
            return Java(home=home, version=version)
    if told:
        fix = f"Point JAVA_HOME at Java {MINIMUM} or newer, or leave it away to have one found."
        raise JavaError(f"Spark needs Java {MINIMUM} or newer, but {tried[0]}.", fix=fix)
    if tried:
        raise JavaError(f"Spark needs Java {MINIMUM} or newer, but {', '.join(tried)}.", fix=HOW_TO_GET)
    raise JavaError("There is no Java on this machine.", fix=HOW_TO_GET)


def _candidates(environ: Mapping[str, str], usual: Sequence[Path] | None) -> Iterator[Path]:
    """``JAVA_HOME`` alone if it is set (Spark obeys it too), else the path's, else the usual places."""
    if home := environ.get("JAVA_HOME"):
        yield Path(home)
        return
    if found := shutil.which("java", path=environ.get("PATH")):
        yield Path(found).resolve().parent.parent
    for base in USUAL_PLACES if usual is None else usual:
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
