"""All processes below one process. Standard library only: the shims import this."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from sparkk8s_nb.linux import IS_LINUX


def parents() -> dict[int, int]:
    """The parent of every process of this machine.

    >>> parents()[os.getpid()] == os.getppid()
    True
    """
    found: dict[int, int] = {}
    if not IS_LINUX:
        for line in _ps("-axo", "pid=,ppid=").splitlines():
            pid, parent = line.split()
            found[int(pid)] = int(parent)
        return found
    for name in os.listdir("/proc"):  # noqa: PTH208 (twice as fast as pathlib, and called every second)
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 (as above)
                text = file.read()
                found[int(name)] = int(text[text.rindex(b")") + 2 :].split(None, 2)[1])
    return found


def below(root: int, of: dict[int, int]) -> list[int]:
    """The processes below ``root``, given every process's parent.

    >>> sorted(below(1, {2: 1, 3: 2, 4: 9}))
    [2, 3]
    """
    children: dict[int, list[int]] = {}
    for pid, parent in of.items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = list(children.get(root, ()))
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(children.get(pid, ()))
    return found


def kill_children(*, session: int | None = None, seconds: float = 5.0) -> None:
    """KILL what is below this process (only one session of it, if given) until nothing is left.

    Children that have ended are not waited for here, but count as gone.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        targets = [pid for pid in below(os.getpid(), parents()) if _is_target(pid, session)]
        if not targets:
            return
        for pid in targets:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _is_target(pid: int, session: int | None) -> bool:
    if session is not None:
        try:
            if os.getsid(pid) != session:
                return False
        except OSError:
            return False
    return not is_zombie(pid)


def is_zombie(pid: int) -> bool:
    """Whether a process has ended (or is gone) and is only waited for."""
    if not IS_LINUX:
        listing = _ps("-o", "state=", "-p", str(pid)).strip()
        return not listing or listing.startswith("Z")
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 (shims do not load pathlib)
            text = file.read()
    except OSError:
        return True
    return text[text.rindex(b")") + 2 :][:1] in (b"Z", b"X")


def _ps(*arguments: str) -> str:
    """What ``ps`` says (macOS has no /proc)."""
    import subprocess  # its fork handlers cost every shim half a megabyte, so Linux does without

    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
