"""A keeper without a process."""
# ruff: noqa: ARG002 (a fake takes what the real one takes)

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparkk8s_nb.processes import ProcessId


@dataclass(slots=True)
class FakeKeeper:
    """A keeper that notes what it is told (the :class:`~sparkk8s_nb.ports.Keeper` protocol).

    Examples
    --------
    >>> keeper = FakeKeeper()
    >>> keeper.lease("s", "uid-1"); keeper.release(timeout=5), keeper.told
    (True, [('lease', 's', 'uid-1'), ('release',)])
    """

    told: list[tuple[Any, ...]] = field(default_factory=list)
    alive: bool = True

    def ready(self) -> None:
        """It is, at once."""

    def lease(self, name: str, uid: str) -> None:
        """Noted."""
        self.told.append(("lease", name, uid))

    def annotate(self, key: str, value: str) -> None:
        """Noted."""
        self.told.append(("annotate", key, value))

    def driver(self, process: ProcessId) -> None:
        """Noted."""
        self.told.append(("driver", process))

    def cleanup(self, path: Path) -> None:
        """Noted."""
        self.told.append(("cleanup", path))

    def release(self, timeout: float) -> bool:
        """Noted; it ends."""
        self.told.append(("release",))
        self.alive = False
        return True

    def finish(self) -> None:
        """Noted."""
        self.told.append(("finish",))
