"""Versions that a real API server no longer has: refused as too old, and what follows goes on with a new list."""

from __future__ import annotations

import http.client
import json
import queue
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.apiserver import Stream, Timeouts
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.watch import Change, Follower, Snapshot, WatchEvent
from sparkk8s_nb.model.spec import ClusterAccess
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from tests.cluster.apiserver import Api
from tests.cluster.plain_client import Place, Server, named
from tests.cluster.real_cluster import Namespace

SELECTOR = "test=one"


@pytest.fixture
def compacted(our_api_tier: Api, namespace: Namespace) -> str:
    """A version of a namespace with one ConfigMap that etcd has dropped, and the API server forgotten."""
    first = namespace.administrator.create({"kind": "ConfigMap", **named("first")})
    version = str(first["metadata"]["resourceVersion"])
    for number in range(3):
        namespace.administrator.create({"kind": "ConfigMap", **named(f"later-{number}")})
    forget(our_api_tier)
    return version


def forget(api: Api) -> None:
    """Have etcd drop all but what is now, and the API server the last minutes that it keeps in memory."""
    path = next(path for path in (api.audit.parent).glob("etcd.sock*") if path.is_socket())
    revision = _etcd(path, "/v3/kv/range", {"key": "AA=="})["header"]["revision"]
    _etcd(path, "/v3/kv/compaction", {"revision": revision, "physical": True})
    with api.away():
        pass


def _etcd(path: Path, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """One call of etcd's JSON gateway."""
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(path))
    try:
        connection.request("POST", action, json.dumps(body))
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
    finally:
        connection.close()
    told: dict[str, Any] = json.loads(text)
    return told


def test_a_watch_from_a_version_that_was_compacted_is_expired(
    compacted: str, namespace: Namespace, real_server: Server
) -> None:
    """410, reason Expired, as the first event of a watch that was accepted or as the answer itself."""
    place = Place(server=real_server, name=namespace.name)
    with real_server.watch(place.path("configmaps"), resourceVersion=compacted) as events:
        event = next(events)
    assert event.type == "ERROR"
    assert (event.object["code"], event.object["reason"]) == (410, "Expired")
    assert event.object["message"].startswith("too old resource version")


def test_a_page_after_a_compaction_is_expired(
    our_api_tier: Api, namespace: Namespace, real_server: Server
) -> None:
    """410 with a token to go on from what there is now."""
    place = Place(server=real_server, name=namespace.name)
    for number in range(3):
        namespace.administrator.create({"kind": "ConfigMap", **named(f"page-{number}")})
    path = place.path("configmaps")
    token = real_server("GET", path, limit="1").body["metadata"]["continue"]
    namespace.administrator.create({"kind": "ConfigMap", **named("page-3")})
    forget(our_api_tier)
    refused = real_server("GET", path, **{"limit": "1", "continue": token})
    assert (refused.code, refused.body["reason"]) == (410, "Expired")
    assert refused.body["metadata"]["continue"]


class FirstListIsOld:
    """Our adapter whose first list is of a version that is gone, as after a laptop's long sleep."""

    def __init__(self, cluster: KubeCluster, version: str) -> None:
        self._cluster = cluster
        self._old: str | None = version

    @property
    def access(self) -> ClusterAccess:
        """The adapter's."""
        return self._cluster.access

    def snapshot(self, kind: str, *, selector: str = "") -> tuple[Sequence[dict[str, Any]], str]:
        """The adapter's; the first one's version is the old one."""
        objects, version = self._cluster.snapshot(kind, selector=selector)
        version, self._old = self._old or version, None
        return objects, version

    def watch(self, kind: str, *, version: str, selector: str, seconds: int, timeouts: Timeouts) -> Stream:
        """The adapter's."""
        return self._cluster.watch(
            kind, version=version, selector=selector, seconds=seconds, timeouts=timeouts
        )


@pytest.fixture
def followed(compacted: str, namespace: Namespace) -> Iterator[queue.Queue[WatchEvent]]:
    """What our follower sees that begins with the old version."""
    events: queue.Queue[WatchEvent] = queue.Queue()
    follower = Follower(FirstListIsOld(namespace.administrator, compacted), "ConfigMap", SELECTOR)
    died: list[BaseException] = []

    def work(stop: StopFlag) -> None:
        for event in follower.events(stop):
            events.put(event)

    worker = Worker("pods", work, on_death=died.append)
    worker.start()
    yield events
    assert worker.stop(timeout=5)
    assert died == []


def test_our_follower_lists_again_without_a_word_and_goes_on(
    followed: queue.Queue[WatchEvent], namespace: Namespace
) -> None:
    """Nothing was lost, so nothing is said: one more list, then the changes."""
    names = {"first", "later-0", "later-1", "later-2"}
    for _ in range(2):
        event = followed.get(timeout=30)
        assert isinstance(event, Snapshot)
        assert {item["metadata"]["name"] for item in event.objects} == names
    namespace.administrator.create({"kind": "ConfigMap", **named("new")})
    change = followed.get(timeout=30)
    assert isinstance(change, Change)
    assert (change.type, change.object["metadata"]["name"]) == ("ADDED", "new")
