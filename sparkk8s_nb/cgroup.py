"""What this process's control group (a container's, a service's) may use, and what of it is left.

Both versions are read, and all groups from this process's own up to the root: the tightest counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 1 << 60
_MEMBERSHIP = Path("/proc/self/cgroup")
_MOUNTED = Path("/sys/fs/cgroup")

_MEMORY = {
    True: ("memory.max", "memory.current", "inactive_file"),
    False: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""By whether it is version 2: limit, usage, and what of the usage is cached files that nobody reads."""


def cgroup_limits(
    *, membership: Path = _MEMBERSHIP, mounted: Path = _MOUNTED
) -> tuple[float | None, int | None]:
    """The limits: cores and bytes, None where there is none.

    Parameters
    ----------
    membership, mounted : Path
        Where the kernel tells them.
    """
    cpus: list[float] = []
    memory: list[int] = []
    for group, controllers in _groups(membership, mounted):
        if not controllers:
            cpus += _quota(_read(group / "cpu.max").split())
            memory += _bytes(_read(group / "memory.max"))
        if "memory" in controllers:
            memory += _bytes(_read(group / "memory.limit_in_bytes"))
        if "cpu" in controllers:
            cpus += _quota([_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")])
    return min(cpus, default=None), min(memory, default=None)


def cgroup_free_memory(*, membership: Path = _MEMBERSHIP, mounted: Path = _MOUNTED) -> int | None:
    """Bytes that the memory limits leave, None where there is none.

    Usage is counted as the kubelet counts a working set: without inactive cached files
    (Kubernetes, "Node-pressure Eviction").

    Parameters
    ----------
    membership, mounted : Path
        Where the kernel tells it.
    """
    free = []
    for group, controllers in _groups(membership, mounted):
        if controllers and "memory" not in controllers:
            continue
        limit, usage, inactive = _MEMORY[not controllers]
        for most in _bytes(_read(group / limit)):
            used = sum(_bytes(_read(group / usage)))
            free.append(max(0, most - max(0, used - _statistic(group / "memory.stat", inactive))))
    return min(free, default=None)


def _groups(membership: Path, mounted: Path) -> Iterator[tuple[Path, list[str]]]:
    """Directories of this process's groups, with their controllers (none: version 2, which has all)."""
    for line in _read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        base = mounted / controllers if controllers else mounted
        for group in _upwards(base, path):
            yield group, controllers.split(",") if controllers else []


def _upwards(base: Path, path: str) -> Iterator[Path]:
    """The group's directory and those above it (inside a container the path may not be mounted)."""
    group = base / path.strip("/")
    while True:
        yield group
        if group == base or base not in group.parents:
            return
        group = group.parent


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _bytes(text: str) -> list[int]:
    return [int(text)] if text.isdigit() and 0 < int(text) < _UNLIMITED else []


def _quota(parts: list[str]) -> list[float]:
    if len(parts) == 2 and parts[0].isdigit() and parts[1].isdigit() and int(parts[1]):
        return [int(parts[0]) / int(parts[1])] if int(parts[0]) else []
    return []


def _statistic(file: Path, name: str) -> int:
    lines = [line.split() for line in _read(file).splitlines()]
    return next((int(line[1]) for line in lines if len(line) == 2 and line[0] == name), 0)
