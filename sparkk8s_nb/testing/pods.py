"""Pod events from a script."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator

from sparkk8s_nb.model.fleet import FleetEvent
from sparkk8s_nb.ports import Stop


class ScriptedPods:
    """Pod events from a script (the :class:`~sparkk8s_nb.ports.PodSource` protocol).

    Parameters
    ----------
    events : iterable of FleetEvent
        Come at once; then :meth:`push` gives more, until the stop.

    Examples
    --------
    >>> from sparkk8s_nb.model.fleet import Listed
    >>> from sparkk8s_nb.testing import FakeClock
    >>> pods = ScriptedPods([Listed(pods=(), at=1.0)])
    >>> next(pods.events("", FakeClock()))
    Listed(pods=(), at=1.0)
    """

    def __init__(self, events: Iterable[FleetEvent] = ()) -> None:
        self._queue: queue.SimpleQueue[FleetEvent] = queue.SimpleQueue()
        self.selectors: list[str] = []
        for event in events:
            self.push(event)

    def push(self, event: FleetEvent) -> None:
        """One more event; from any thread."""
        self._queue.put(event)

    def events(self, selector: str, stop: Stop) -> Iterator[FleetEvent]:
        """Yield the script, then what is pushed, until ``stop``."""
        self.selectors.append(selector)
        while not stop.is_set():
            try:
                yield self._queue.get_nowait()
            except queue.Empty:
                stop.wait(0.01)
