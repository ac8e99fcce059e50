"""Whether pods can be isolated on this machine, and what has to exist in their namespaces."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from sparkk8s_nb.embedded.isolation import SYSTEM
from sparkk8s_nb.embedded.launcher import Launcher
from sparkk8s_nb.embedded.podcontext import Isolation
from sparkk8s_nb.errors import EmbeddedError
from sparkk8s_nb.linux import IS_LINUX

_FIX = "Start the cluster without --isolate, or as root on Linux (in a container: with CAP_SYS_ADMIN)."


def readable_directories(java_home: str | None = None) -> tuple[str, ...]:
    """The Python and Java installations, without what is inside a system directory anyway."""
    wanted = [sys.prefix, sys.base_prefix, sys.exec_prefix]
    java = shutil.which("java")
    if java_home:
        wanted.append(java_home)
    if java:
        wanted.append(str(Path(java).resolve().parent.parent))
    wanted += [os.path.realpath(each) for each in wanted]
    outside = {
        each
        for each in wanted
        if not any(Path(each).is_relative_to(system) for system in SYSTEM) and each != "/"
    }
    return tuple(sorted(outside))


async def probe(launcher: Launcher, directory: Path) -> Isolation:
    """Try it once.

    Raises
    ------
    EmbeddedError
        Where pods cannot be isolated.
    """
    if not IS_LINUX:
        raise EmbeddedError("Pods can be isolated on Linux only.", fix=_FIX)
    isolation = Isolation(readable=readable_directories(os.environ.get("JAVA_HOME")))
    root, scratch = directory / ".probe", directory / ".scratch"
    for path in (root, scratch):
        path.mkdir(mode=0o700, exist_ok=True)
    link = await launcher.shim()
    try:
        link.order(
            op="isolate", root=str(root), scratch=str(scratch), readable=list(isolation.readable), writable=[]
        )
        event = await link.event()
    finally:
        link.close()
    for path in (root, scratch):
        shutil.rmtree(path, ignore_errors=True)
    if event["event"] != "isolated":
        raise EmbeddedError(f"Pods cannot be isolated here: {event['message']}.", fix=_FIX)
    return isolation
