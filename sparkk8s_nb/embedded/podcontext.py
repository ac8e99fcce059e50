"""What every pod on the node needs from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sparkk8s_nb.embedded.containers import Lookup
from sparkk8s_nb.embedded.events import Recorder
from sparkk8s_nb.embedded.launcher import Launcher
from sparkk8s_nb.embedded.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What exists in the namespace of an isolated pod besides the system's directories."""

    readable: tuple[str, ...]


class Limits(Protocol):
    """Who watches the memory of containers."""

    def watch(self, key: str, *, root: int, whole: bool, limit: int, exceeded: Callable[[], None]) -> None:
        """Call ``exceeded`` once the processes below ``root`` (and itself, if ``whole``) use too much."""

    def forget(self, key: str) -> None:
        """Watch no longer."""


@dataclass(slots=True, kw_only=True, eq=False)
class NodeContext:
    """The node, as pods see it. ``path`` is the PATH that containers get."""

    registry: Registry
    recorder: Recorder
    launcher: Launcher
    limits: Limits
    lookup: Callable[[str], Lookup]
    clock: Callable[[], datetime]
    node: str
    host_ip: str
    allocatable: dict[str, str]
    path: str
    isolation: Isolation | None = None
