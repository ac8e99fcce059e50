"""The one node: what this machine has, what of it may be used, and the Node object that says so."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import psutil

from sparkk8s_nb.embedded import quantities
from sparkk8s_nb.embedded.objects import Object, timestamp

#: as many pods as processes and addresses comfortably allow
PODS = 500
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """An amount of processor (in cores) and memory (in bytes)."""

    cpus: float
    memory: int

    def least(self, cpus: float | None, memory: int | None) -> Capacity:
        """The smaller of this and what is given (None: no limit).

        >>> Capacity(cpus=4, memory=100).least(2, None)
        Capacity(cpus=2, memory=100)
        """
        return Capacity(
            cpus=self.cpus if cpus is None else min(self.cpus, cpus),
            memory=self.memory if memory is None else min(self.memory, memory),
        )


def machine() -> Capacity:
    """What this machine has (of its processors, those that this process may use)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return Capacity(cpus=float(count), memory=int(psutil.virtual_memory().total))


def usable(
    has: Capacity,
    cgroup: tuple[float | None, int | None],
    cpus: float | None,
    memory: int | None,
    *,
    overcommit: bool = False,
) -> Capacity:
    """What of the machine pods may use: the least of machine, cgroup and settings.

    >>> usable(Capacity(cpus=4, memory=100), (2, None), 8, 50)
    Capacity(cpus=2, memory=50)
    >>> usable(Capacity(cpus=4, memory=100), (2, None), 8, 500, overcommit=True)
    Capacity(cpus=8, memory=100)
    """
    least = has.least(*cgroup).least(cpus, memory)
    if overcommit and cpus is not None:
        return Capacity(cpus=cpus, memory=least.memory)
    return least


def cgroup_limits(
    *, membership: Path = Path("/proc/self/cgroup"), mounted: Path = Path("/sys/fs/cgroup")
) -> tuple[float | None, int | None]:
    """The cgroup's limits: cores and bytes, None where there is none.

    Both versions are read, and all groups from this process's own up to the root: the smallest counts.

    Parameters
    ----------
    membership, mounted : Path
        Where the kernel tells them.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None, None
    cpus: list[float] = []
    memory: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        base = mounted if not controllers else mounted / controllers
        for group in _upwards(base, path):
            if not controllers:
                cpus += _quota(_read(group / "cpu.max").split())
                memory += _bytes(_read(group / "memory.max"))
            if "memory" in controllers.split(","):
                memory += _bytes(_read(group / "memory.limit_in_bytes"))
            if "cpu" in controllers.split(","):
                cpus += _quota([_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")])
    return min(cpus, default=None), min(memory, default=None)


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


def node_name() -> str:
    """The node's name: this machine's, as a valid name.

    >>> node_name() == node_name().lower()
    True
    """
    name = "".join(each if each.isalnum() or each in "-." else "-" for each in socket.gethostname().lower())
    return name.strip("-.")[:63] or "localhost"


def allocatable(capacity: Capacity) -> dict[str, str]:
    """Capacity as quantities.

    >>> allocatable(Capacity(cpus=1.5, memory=2048))["cpu"]
    '1500m'
    """
    cpus = quantities.write(Decimal(str(capacity.cpus)).quantize(Decimal("0.001")))
    return {
        "cpu": cpus,
        "memory": quantities.write(capacity.memory // 1024 * 1024, binary=True),
        "pods": str(PODS),
    }


def node_object(name: str, has: Capacity, may_use: Capacity, *, version: str, now: datetime) -> Object:
    """The Node as it is stored."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    moment = timestamp(now)

    def condition(kind: str, value: str, reason: str, message: str) -> Object:
        return {
            "type": kind,
            "status": value,
            "lastHeartbeatTime": moment,
            "lastTransitionTime": moment,
            "reason": reason,
            "message": message,
        }

    return {
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": arch,
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": platform.system().lower(),
            },
        },
        "spec": {},
        "status": {
            "capacity": allocatable(has),
            "allocatable": allocatable(may_use),
            "addresses": [
                {"type": "InternalIP", "address": "127.0.0.1"},
                {"type": "Hostname", "address": name},
            ],
            "conditions": [
                condition(
                    "MemoryPressure", "False", "KubeletHasSufficientMemory", "the node has sufficient memory"
                ),
                condition(
                    "DiskPressure", "False", "KubeletHasNoDiskPressure", "the node has no disk pressure"
                ),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "the node has sufficient PIDs"),
                condition("Ready", "True", "KubeletReady", "the node is ready"),
            ],
            "nodeInfo": {
                "architecture": arch,
                "operatingSystem": platform.system().lower(),
                "osImage": f"{platform.system()} {platform.release()}",
                "kernelVersion": platform.release(),
                "kubeletVersion": version,
                "kubeProxyVersion": "",
                "containerRuntimeVersion": "process://1",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        },
    }
