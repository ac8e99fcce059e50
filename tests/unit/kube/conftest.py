"""A scripted transport: the gateway and the watch without a network."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sparkk8s_nb.apiserver import JSON, Answer, Timeouts
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget, TargetKind
from sparkk8s_nb.testing import FakeClock

SERVER = "https://127.0.0.1:6443"


@dataclass
class Request:
    """What was sent."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    content_type: str


class ScriptedStream:
    """A watch whose lines, and end, are in the script."""

    def __init__(self, script: Sequence[Any], status: int = 200) -> None:
        self.status = status
        self._script = script
        self.closed = False
        self.shuts = 0

    def body(self) -> bytes:
        return b"".join(self._script)

    def lines(self) -> Iterator[bytes]:
        for item in self._script:
            if isinstance(item, Exception):
                raise item
            yield json.dumps(item).encode() if isinstance(item, dict) else item

    def shut(self) -> None:
        self.shuts += 1

    def close(self) -> None:
        self.closed = True


@dataclass
class ScriptedTransport:
    """Answers in order; an exception in the script is raised."""

    answers: list[Any] = field(default_factory=list)
    streams: list[Any] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def answer(self, content: Any = None, status: int = 200, retry_after: float | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
        self.answers.append(Answer(status=status, body=body, retry_after=retry_after))

    def refuse(self, status: int, message: str = "", **details: Any) -> None:
        self.answer({"kind": "Status", "message": message, "code": status, **details}, status)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        timeouts: Timeouts | None = None,
    ) -> Answer:
        self.requests.append(Request(method, path, dict(query or {}), body, content_type))
        result = self.answers.pop(0)
        if isinstance(result, Exception):
            raise result
        assert isinstance(result, Answer)
        return result

    def stream(self, path: str, *, query: Mapping[str, str], timeouts: Timeouts) -> Any:
        self.requests.append(Request("WATCH", path, dict(query), None, ""))
        result = self.streams.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def transport() -> ScriptedTransport:
    """What the cluster sends goes here."""
    return ScriptedTransport()


@pytest.fixture
def naps() -> list[float]:
    """Pauses that the cluster took."""
    return []


@pytest.fixture
def cluster(transport: ScriptedTransport, naps: list[float]) -> KubeCluster:
    """A cluster on the scripted transport, in namespace team."""
    target = ClusterTarget(kind=TargetKind.CONTEXT, namespace="team")
    return KubeCluster(target, ClusterAccess(server=SERVER), transport, sleep=naps.append)


@pytest.fixture
def stream() -> Callable[..., ScriptedStream]:
    """Makes a scripted watch."""
    return lambda *script, status=200: ScriptedStream(script, status)


class StopClock(FakeClock):
    """Fake time for the thread that made it; the watch's second thread really waits for the stop."""

    def __init__(self, now: float = 0.0) -> None:
        super().__init__(now)
        self._owner = threading.get_ident()
        self._idle = threading.Event()

    def wait(self, seconds: float) -> bool:
        if threading.get_ident() == self._owner:
            return super().wait(seconds)
        self._idle.wait(0.02)
        return self.is_set()


@pytest.fixture
def clock() -> StopClock:
    """Time of a watch; also its stop."""
    return StopClock(100.0)
