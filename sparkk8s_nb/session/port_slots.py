"""Port slots: disjoint ranges of driver ports, so that two kernels of one host or pod never collide.

Slot ``i`` is the four ports from ``22000 + 4 * i``: driver, block manager, Spark UI, one in reserve. A slot
is held by a lock on a file in the runtime directory, which the operating system lets go of when the process
ends, however it ends. Other users have other runtime directories: a name that only one process of a network
can have keeps two starts at the same moment apart (Linux), and the ports are tried as well.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.localfiles import private_dir
from sparkk8s_nb.model.portrange import FIRST_PORT, LAST_PORT, PORTS_PER_SLOT, SLOTS

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSlot:
    """A slot that this process holds until :meth:`release`."""

    index: int
    handle: int
    reservation: socket.socket | None = None

    @property
    def driver_port(self) -> int:
        """Where executors register."""
        return FIRST_PORT + PORTS_PER_SLOT * self.index

    @property
    def block_manager_port(self) -> int:
        """Where executors fetch broadcasts and jars."""
        return self.driver_port + 1

    @property
    def ui_port(self) -> int:
        """Where the Spark UI listens, on loopback."""
        return self.driver_port + 2

    def release(self) -> None:
        """Give the slot back."""
        if self.reservation is not None:
            self.reservation.close()
        os.close(self.handle)


def acquire_slot(directory: Path, address: str, *, slots: Iterable[int] = range(SLOTS)) -> PortSlot:
    """Take the first slot that nobody holds and whose ports are free, on ``address`` and on loopback.

    The UI listens on loopback wherever the driver does, and Spark ends the JVM when its port is taken.

    Raises
    ------
    SessionError
        If all are taken.
    """
    private_dir(directory)
    for index in slots:
        handle = os.open(directory / f"slot-{index:02d}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            reservation = _reserve(index)
        except OSError:
            os.close(handle)
            continue
        slot = PortSlot(index=index, handle=handle, reservation=reservation)
        ports = range(slot.driver_port, slot.driver_port + PORTS_PER_SLOT)
        if all(_free(host, port) for host in {address, LOOPBACK} for port in ports):
            return slot
        slot.release()
    raise SessionError(
        f"All port slots for Spark drivers are taken (ports {FIRST_PORT} to {LAST_PORT}).",
        fix="Stop a session: sparkk8s-nb ps shows those of yours.",
    )


def _reserve(index: int) -> socket.socket | None:
    """The slot's name in this network, which goes with the process; an OSError if somebody has it.

    Spark binds its ports seconds after they were tried, and ends the JVM where the UI's is taken by then.
    """
    if sys.platform != "linux":
        return None
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        reservation.bind(f"\0sparkk8s-nb/ports/{FIRST_PORT + PORTS_PER_SLOT * index}")
    except OSError:
        reservation.close()
        raise
    return reservation


def _free(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As Spark binds: a port in TIME_WAIT is free, one that somebody listens on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
