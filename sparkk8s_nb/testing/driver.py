"""A driver without a JVM."""
# ruff: noqa: ARG002 (a fake takes what the real one takes)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.model.drained import Drained
from sparkk8s_nb.model.executors import ExecutorStatus
from sparkk8s_nb.ports import SparkStatus
from sparkk8s_nb.processes import ProcessId


@dataclass(slots=True)
class FakeCellScope:
    """A running cell that only notes its end (the :class:`~sparkk8s_nb.ports.CellScope` protocol)."""

    tag: str
    calls: list[tuple[Any, ...]]
    abandoned: bool = False

    def leave(self) -> None:
        """Noted."""
        self.calls.append(("leave_cell", self.tag))


@dataclass(slots=True)
class FakeDriver:
    """A driver that notes what it is asked (the :class:`~sparkk8s_nb.ports.Driver` protocol).

    Examples
    --------
    >>> driver = FakeDriver()
    >>> driver.request_executors(3); driver.calls
    [('request_executors', 3)]
    """

    process: ProcessId = field(default_factory=lambda: ProcessId(pid=2**22 + 1, started=1.0))
    app_id: str = "spark-fake"
    ui_url: str = "http://127.0.0.1:4040"
    spark: Any = None
    answer: SparkStatus = field(default_factory=lambda: SparkStatus(executors=(), jobs=()))
    dead: bool = False
    stuck: bool = False
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    asked: list[tuple[tuple[str, ...], tuple[int, ...], bool]] = field(default_factory=list)
    readings: list[Drained] = field(default_factory=list)
    without_listener: str = ""
    warnings: Sequence[str] = ()
    cancellable: int = 0
    on_stop: Callable[[], object] | None = None

    def status(
        self, tags: Sequence[str] = (), jobs: Sequence[int] = (), *, streams: bool = False
    ) -> SparkStatus:
        """What :attr:`answer` holds; DriverError once :attr:`dead` is set. What was asked is in :attr:`asked`."""
        self.asked.append((tuple(tags), tuple(jobs), streams))
        if self.dead:
            raise DriverError("The driver is gone.", fix="Start again.")
        return self.answer

    def request_executors(self, total: int) -> None:
        """Noted."""
        self.calls.append(("request_executors", total))

    def retire_executors(self, ids: Sequence[str], *, busy: bool) -> None:
        """Noted."""
        self.calls.append(("retire_executors", tuple(ids), busy))

    def executors(self) -> tuple[ExecutorStatus, ...]:
        """Those of :attr:`answer`."""
        return self.status().executors

    def drain(self) -> Drained | None:
        """The next of :attr:`readings`; None, as without a listener, where there are none."""
        if self.dead:
            raise DriverError("The driver is gone.", fix="Start again.")
        return self.readings.pop(0) if self.readings else None

    def cancel(self, tag: str) -> int:
        """Noted; the number of jobs is taken from :attr:`cancellable`."""
        self.calls.append(("cancel", tag))
        return self.cancellable

    def cancel_all(self) -> int:
        """Noted; the number of jobs is taken from :attr:`cancellable`."""
        self.calls.append(("cancel_all",))
        return self.cancellable

    def enter_cell(self, tag: str) -> FakeCellScope:
        """Noted, and its end too."""
        self.calls.append(("enter_cell", tag))
        return FakeCellScope(tag=tag, calls=self.calls)

    def hook(self, on_stop: Callable[[], object]) -> None:
        """Kept in :attr:`on_stop`: call it to play ``spark.stop()``."""
        self.on_stop = on_stop

    def stop(self, timeout: float) -> bool:
        """Noted; stops by itself unless :attr:`stuck`."""
        self.calls.append(("stop", timeout))
        return not self.stuck


@dataclass(slots=True)
class FakeLaunchingDriver:
    """A JVM that comes up at once (the :class:`~sparkk8s_nb.ports.LaunchingDriver` protocol).

    Parameters
    ----------
    driver : FakeDriver
        What :meth:`start` gives.
    error : Exception or None
        What it raises instead.
    """

    driver: FakeDriver = field(default_factory=FakeDriver)
    error: Exception | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    py_files: Sequence[str] = ()
    ended: bool = False

    @property
    def process(self) -> ProcessId:
        """The driver's."""
        return self.driver.process

    def start(self, conf: Mapping[str, str], py_files: Sequence[str]) -> FakeDriver:
        """The driver, or the error; the arguments are kept."""
        self.conf, self.py_files = dict(conf), tuple(py_files)
        if self.error is not None:
            raise self.error
        return self.driver

    def end(self, grace: float) -> None:
        """Noted in :attr:`ended`."""
        self.ended = True
