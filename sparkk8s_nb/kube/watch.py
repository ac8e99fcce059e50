"""Never trust a watch: list, watch from there, list again when in doubt, back off, end at once.

The API server may close a watch at any time, forget the version it should go on from (410), or vanish
without closing the connection (a laptop that slept). So a watch is short, silence is bounded, and whatever
breaks leads back to a list, which tells the whole truth.

After a loss the list comes as the beginning of the new watch, where the server can do that: when an API
server restarts, all sessions come back at once, and each of their requests counts.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from urllib3 import exceptions as net

from sparkk8s_nb.apiserver import Stream, Timeouts
from sparkk8s_nb.errors import ClusterError, ConnectError, ExpiredError, InvalidError
from sparkk8s_nb.kube.translate import connect_error
from sparkk8s_nb.model.spec import ClusterAccess
from sparkk8s_nb.ports import Manifest, Stop

logger = logging.getLogger(__name__)

WATCH_SECONDS = 55
"""How long one watch lasts; the next goes on from the same version and costs one small request."""

SILENCE = Timeouts(connect=4.0, read=75.0)
"""The server ends a watch after ``WATCH_SECONDS``: a longer silence means that the connection is dead."""


STEADY_SECONDS = 5.0
"""A watch that lasted that long was a good one: what breaks it is a first failure."""

TRIES = 3
"""So often a watch that begins with a list is tried; then list and watch are asked for one by one."""

LIST_END = "k8s.io/initial-events-end"
"""The annotation of the bookmark that follows the last object of such a list."""


class WatchSource(Protocol):
    """What a watch needs of a cluster."""

    @property
    def access(self) -> ClusterAccess:
        """Where the API server is."""
        ...

    def snapshot(self, kind: str, *, selector: str = "") -> tuple[Sequence[Manifest], str]:
        """All objects, and the resource version of that list."""
        ...

    def watch(self, kind: str, *, version: str, selector: str, seconds: int, timeouts: Timeouts) -> Stream:
        """Changes from that version on; without a version, all objects first and then changes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All objects there are."""

    objects: tuple[Manifest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object changed: ``ADDED``, ``MODIFIED`` or ``DELETED``."""

    type: str
    object: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The API server cannot be watched now; a Snapshot follows when it can."""

    problem: str


WatchEvent = Snapshot | Change | Lost


@dataclass(slots=True)
class Backoff:
    """Growing pauses with jitter, so that many notebooks do not return at the same moment.

    Parameters
    ----------
    first, most : float
        Bounds of the pause in seconds.
    chance : callable
        A number in [0, 1).

    Examples
    --------
    >>> backoff = Backoff(chance=lambda: 1.0)
    >>> [backoff.next() for _ in range(9)]
    [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0]
    """

    first: float = 0.2
    most: float = 15.0
    chance: Callable[[], float] = field(default=random.random)
    failures: int = field(default=0, init=False)

    def next(self) -> float:
        """The pause after one more failure: between half of the bound and the bound."""
        bound = min(self.most, self.first * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return bound * (0.5 + 0.5 * self.chance())

    def reset(self) -> None:
        """All is well again."""
        self.failures = 0


class Follower:
    """Follows the objects of one kind that a label selector chooses.

    Parameters
    ----------
    source : WatchSource
    kind, selector : str
    backoff : Backoff, optional
    clock : callable
        Seconds of a clock that is never set.

    Examples
    --------
    >>> follower = Follower(cluster, "Pod", "spark-role=executor")     # doctest: +SKIP
    >>> for event in follower.events(stop): print(event)               # doctest: +SKIP
    """

    def __init__(
        self,
        source: WatchSource,
        kind: str,
        selector: str,
        *,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._kind = kind
        self._selector = selector
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._open: Stream | None = None
        self._watched = False
        self._failed = 0

    def events(self, stop: Stop) -> Iterator[WatchEvent]:
        """Yield until ``stop``: a Snapshot first, and again after every loss. Never raises a ClusterError.

        A first failure is tried again at once and not reported: watches break for no reason.
        """
        with self._cut_when(stop):
            while not stop.is_set():
                try:
                    version = ""
                    if not self._lists_in_watch:
                        objects, version = self._source.snapshot(self._kind, selector=self._selector)
                        if stop.is_set():
                            return
                        yield Snapshot(objects=tuple(objects))
                    while not stop.is_set():
                        version = yield from self._watch(version, stop)
                except ClusterError as error:
                    logger.debug("watch of %s broke", self._kind, exc_info=True)
                    if self._backoff.failures and not stop.is_set() and not isinstance(error, ExpiredError):
                        yield Lost(problem=error.problem)
                    stop.wait(self._backoff.next())

    @property
    def _lists_in_watch(self) -> bool:
        """Whether to have the list as the beginning of the watch: not for who may list and not watch."""
        return self._watched and self._failed < TRIES

    def _watch(self, version: str, stop: Stop) -> Generator[Snapshot | Change, None, str]:
        """One watch, until the server ends it: the version to go on from. Raises what asks for a new list.

        Without a version it begins with a list.
        """
        seconds = WATCH_SECONDS + random.randrange(10)  # noqa: S311 (spreads load, guards nothing)
        begun = self._clock()
        self._open = stream = self._begin(version, seconds)
        try:
            entries = _entries(stream, self._source.access.server)
            if not version:
                self._failed += 1  # until it has come whole
                objects, version = _listed(entries)
                self._failed = 0
                self._backoff.reset()
                if not stop.is_set():
                    yield Snapshot(objects=objects)
            for kind, content, newest in entries:
                if stop.is_set():
                    return version
                self._backoff.reset()
                version = newest
                if kind != "BOOKMARK":
                    yield Change(type=kind, object=content)
        finally:
            self._open = None
            stream.close()
            if self._clock() - begun >= STEADY_SECONDS:
                self._backoff.reset()
        if self._clock() - begun < STEADY_SECONDS:
            stop.wait(self._backoff.next())  # a server that ends every watch at once is not hammered
        return version

    def _begin(self, version: str, seconds: int) -> Stream:
        try:
            stream = self._source.watch(
                self._kind, version=version, selector=self._selector, seconds=seconds, timeouts=SILENCE
            )
        except ConnectError:
            raise  # a server that is away has refused nothing
        except ClusterError as error:
            self._failed = TRIES if isinstance(error, InvalidError) else self._failed + 1
            raise
        self._watched = True
        return stream

    @contextmanager
    def _cut_when(self, stop: Stop) -> Iterator[None]:
        """Have another thread end the read that this one is blocked in, once ``stop`` is set."""
        done = threading.Event()

        def cut() -> None:
            while not done.is_set():
                if not stop.wait(1.0):
                    continue
                # The watch may be about to begin: cut until the loop has seen the stop.
                if stream := self._open:
                    stream.shut()
                done.wait(0.05)

        thread = threading.Thread(target=cut, name="sparkk8s-watch-end", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()


def _entries(stream: Stream, server: str) -> Iterator[tuple[str, Manifest, str]]:
    """The watch's events as ``(type, object, version)``; raises a ClusterError for what ends it badly."""
    try:
        for line in stream.lines():
            event = json.loads(line)
            kind, content = event["type"], event["object"]
            if kind == "ERROR":
                raise _refusal(content)
            yield kind, content, str(content["metadata"]["resourceVersion"])
    except (net.HTTPError, OSError) as error:
        raise connect_error(error, server) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ClusterError(
            "The API server's watch sent something that is no event.", fix="Nothing to do: it is read anew."
        ) from error


def _listed(entries: Iterator[tuple[str, Manifest, str]]) -> tuple[tuple[Manifest, ...], str]:
    """The objects with which a watch begins, and the version from which its changes go on.

    What changes meanwhile may come before the mark too: each object counts as it was told last.
    """
    objects: dict[str, Manifest] = {}
    for kind, content, version in entries:
        name = str(content["metadata"].get("name", ""))
        if kind == "DELETED":
            objects.pop(name, None)
        elif kind != "BOOKMARK":
            objects[name] = content
        elif (content["metadata"].get("annotations") or {}).get(LIST_END) == "true":
            return tuple(objects.values()), version
    raise ClusterError(
        "The API server's watch ended before all objects had come.",
        fix="Nothing to do: the list is read anew.",
    )


def _refusal(status: Manifest) -> ClusterError:
    message = str(status.get("message") or "no reason given")
    kind = ExpiredError if status.get("code") == 410 else ClusterError
    return kind(f"The API server ended the watch: {message}", fix="Nothing to do: the list is read anew.")
