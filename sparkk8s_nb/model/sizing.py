"""How large executors and driver are when the user does not say, and what a single machine can hold.

On a cluster an executor has 2 cores and 8 GiB. On the embedded cluster everything shares one machine: the
fleet is sized to fit with one core and 2 GiB left free, so that the same line works on a laptop.
"""

from __future__ import annotations

from dataclasses import dataclass

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.quantities import format_memory
from sparkk8s_nb.model.spec import GIB, MIB, ExecutorSpec

DEFAULT_CORES = 2
DEFAULT_MEMORY = 8 * GIB
DEFAULT_DRIVER_MEMORY = 4 * GIB
FREE_CORE_MILLIS = 1000
FREE_MEMORY = 2 * GIB
EMBEDDED_MAX_MEMORY = 4 * GIB
EMBEDDED_MIN_MEMORY = 1 * GIB
EMBEDDED_ROOM_FOR = 4
"""Executors that should fit, so that ``scale`` has somewhere to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a node has for pods: thousandths of cores, and bytes."""

    cpu_millis: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user said; None where nothing was said. Memory in bytes."""

    executors: int
    cores: int | None = None
    memory: int | None = None
    driver_memory: int | None = None
    disk: int | None = None


def driver_memory(limit: int, asked: int | None = None) -> int:
    """The driver's heap: what was asked, else 4 GiB or a quarter of the memory limit, whichever is less.

    One process out of memory takes the whole container with it, so the rest is the kernel's.

    >>> driver_memory(8 * GIB) // MIB
    2048
    """
    return asked if asked is not None else min(DEFAULT_DRIVER_MEMORY, max(GIB, limit // 4)) // MIB * MIB


def cluster_executor(asked: Asked) -> ExecutorSpec:
    """An executor on a real cluster: as asked, else 2 cores and 8 GiB."""
    cores = asked.cores or DEFAULT_CORES
    return ExecutorSpec(
        cores=cores, cpu_millis=cores * 1000, memory=asked.memory or DEFAULT_MEMORY, disk=asked.disk
    )


def embedded_executor(asked: Asked, machine: Machine, driver: int) -> ExecutorSpec:
    """An executor on this machine: as asked if it fits, else sized so that all of them fit.

    Parameters
    ----------
    asked : Asked
    machine : Machine
        The node's allocatable.
    driver : int
        The driver's heap in bytes.

    Raises
    ------
    UsageError
        If what was asked is more than the machine has.

    Examples
    --------
    >>> embedded_executor(Asked(executors=2), Machine(cpu_millis=2000, memory=24 * GIB), 4 * GIB)
    ExecutorSpec(cores=1, cpu_millis=500, memory=4294967296, disk=None)
    """
    cores, millis = _cores(asked, machine)
    memory = asked.memory if asked.memory is not None else _memory(asked, machine, driver)
    if memory * asked.executors > machine.memory:
        raise UsageError(
            f"{asked.executors} executors of {format_memory(memory)} are more than this machine's "
            f"{format_memory(machine.memory)}.",
            fix=f"Ask for at most --memory {machine.memory // asked.executors // MIB}m, or for fewer executors (-n).",
        )
    return ExecutorSpec(cores=cores, cpu_millis=millis, memory=memory, disk=asked.disk)


def _cores(asked: Asked, machine: Machine) -> tuple[int, int]:
    """Tasks at once, and the CPU that a pod requests. Asked-for cores are whole; others share what is there."""
    if asked.cores is not None:
        if asked.cores * asked.executors * 1000 > machine.cpu_millis:
            most = machine.cpu_millis // 1000 // asked.executors
            what = f"{asked.executors} executors of {asked.cores} cores"
            fix = f"Ask for at most --cores {most}" if most else "Leave --cores away to share the machine"
            raise UsageError(
                f"{what} are more than this machine's {machine.cpu_millis / 1000:g} cores.",
                fix=f"{fix}, or ask for fewer executors (-n).",
            )
        return asked.cores, asked.cores * 1000
    share = max(machine.cpu_millis - FREE_CORE_MILLIS, machine.cpu_millis // 2) // asked.executors
    cores = max(1, min(DEFAULT_CORES, share // 1000))
    millis = max(50, min(cores * 1000, share))
    if millis * asked.executors > machine.cpu_millis:
        raise UsageError(
            f"{asked.executors} executors are more than this machine's {machine.cpu_millis / 1000:g} cores can share.",
            fix=f"Ask for at most -n {machine.cpu_millis // 50}.",
        )
    return cores, millis


def _memory(asked: Asked, machine: Machine, driver: int) -> int:
    room = machine.memory - FREE_MEMORY - driver
    share = room // max(asked.executors, EMBEDDED_ROOM_FOR)
    return min(EMBEDDED_MAX_MEMORY, max(EMBEDDED_MIN_MEMORY, share)) // MIB * MIB
