"""How large executors and driver are when the user does not say, and what a single machine can hold.

On a cluster an executor has 2 cores and 8 GiB. On the embedded cluster everything shares one machine: the
fleet is sized to fit with one core and 2 GiB left free, so that the same line works on a laptop.
"""

from __future__ import annotations

from dataclasses import dataclass

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.memory import MIN_HEAP, MIN_OVERHEAD
from sparkk8s_nb.model.quantities import format_memory, format_mib
from sparkk8s_nb.model.spec import GIB, MIB, ExecutorSpec

DEFAULT_CORES = 2
DEFAULT_MEMORY = 8 * GIB
DEFAULT_DRIVER_MEMORY = 4 * GIB
FREE_CORE_MILLIS = 1000
LEAST_CPU_MILLIS = 50
POD_MIN = MIN_HEAP + MIN_OVERHEAD
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
    """What the user said; None where nothing was said. Memory in bytes, CPU in thousandths of a core."""

    executors: int
    cores: int | None = None
    cpu_millis: int | None = None
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


def check_driver_memory(asked: int | None, limit: int) -> None:
    """Refuse a driver's heap that is more than this machine (or its container) has.

    Raises
    ------
    UsageError
    """
    if asked is not None and asked >= limit:
        raise UsageError(
            f"--driver-memory {format_mib(asked)} is more than the {format_memory(limit)} that there are here.",
            fix=f"Leave it away for {format_mib(driver_memory(limit))}, or ask for less.",
        )


def cluster_executor(asked: Asked) -> ExecutorSpec:
    """An executor on a real cluster: as asked, else 2 cores and 8 GiB.

    >>> cluster_executor(Asked(executors=2, cpu_millis=500)).cpu_millis
    500
    """
    cores = asked.cores or DEFAULT_CORES
    return ExecutorSpec(
        cores=cores,
        cpu_millis=asked.cpu_millis or cores * 1000,
        memory=asked.memory or DEFAULT_MEMORY,
        disk=asked.disk,
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
    >>> small = embedded_executor(Asked(executors=2), Machine(cpu_millis=2000, memory=24 * GIB), 4 * GIB)
    >>> small.cores, small.cpu_millis, small.memory // MIB
    (1, 500, 4096)
    """
    cores, millis = _cpu(asked, machine)
    memory = asked.memory if asked.memory is not None else _memory(asked, machine, driver)
    if memory * asked.executors > machine.memory:
        raise UsageError(
            f"{_of(asked.executors)} of {format_memory(memory)} are more than this machine's "
            f"{format_memory(machine.memory)}.",
            fix=_less_memory(asked, machine),
        )
    return ExecutorSpec(cores=cores, cpu_millis=millis, memory=memory, disk=asked.disk)


def _less_memory(asked: Asked, machine: Machine) -> str:
    """The most that fits, in sizes that an executor can have."""
    each = machine.memory // asked.executors
    if each >= POD_MIN:
        fewer = ", or for fewer executors (-n)" if asked.executors > 1 else ""
        return f"Ask for at most --memory {format_mib(each)}{fewer}."
    return f"Ask for at most -n {max(1, machine.memory // POD_MIN)} with --memory {format_mib(POD_MIN)}."


def _cpu(asked: Asked, machine: Machine) -> tuple[int, int]:
    """Tasks at once, and the CPU that a pod requests. Asked-for cores are whole; others share what is there."""
    if asked.cpu_millis is not None:
        _check_cpu(asked, machine, f"{asked.cpu_millis / 1000:g} CPU", asked.cpu_millis)
        return asked.cores or max(1, asked.cpu_millis // 1000), asked.cpu_millis
    if asked.cores is not None:
        what = "1 core" if asked.cores == 1 else f"{asked.cores} cores"
        _check_cpu(asked, machine, what, asked.cores * 1000)
        return asked.cores, asked.cores * 1000
    share = max(machine.cpu_millis - FREE_CORE_MILLIS, machine.cpu_millis // 2) // asked.executors
    cores = max(1, min(DEFAULT_CORES, share // 1000))
    millis = max(LEAST_CPU_MILLIS, min(cores * 1000, share))
    if millis * asked.executors > machine.cpu_millis:
        raise UsageError(
            f"{_of(asked.executors)} are more than this machine's {machine.cpu_millis / 1000:g} cores can share.",
            fix=f"Ask for at most -n {machine.cpu_millis // LEAST_CPU_MILLIS}.",
        )
    return cores, millis


def _check_cpu(asked: Asked, machine: Machine, what: str, each: int) -> None:
    if each * asked.executors <= machine.cpu_millis:
        return
    most = machine.cpu_millis // 1000 // asked.executors
    fix = f"Ask for at most --cores {most}" if most else "Leave --cores away to share the machine"
    fewer = ", or ask for fewer executors (-n)" if asked.executors > 1 else ""
    raise UsageError(
        f"{_of(asked.executors)} of {what} are more than this machine's {machine.cpu_millis / 1000:g} cores.",
        fix=f"{fix}{fewer}.",
    )


def _memory(asked: Asked, machine: Machine, driver: int) -> int:
    room = machine.memory - FREE_MEMORY - driver
    share = room // max(asked.executors, EMBEDDED_ROOM_FOR)
    return min(EMBEDDED_MAX_MEMORY, max(EMBEDDED_MIN_MEMORY, share)) // MIB * MIB


def _of(executors: int) -> str:
    return "1 executor" if executors == 1 else f"{executors} executors"
