"""Our adapter against the embedded cluster: gateway, watch, what breaks a watch."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import queue
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sparkk8s_nb.apiserver import ApiServer
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.errors import ConflictError, ExpiredError, InvalidError, NotFoundError, RefusedError
from sparkk8s_nb.kube.connect import connect, contexts
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.lease import Renewal, lease_manifest, owner_reference, renew
from sparkk8s_nb.kube.pods import KubePodSource, pod_view
from sparkk8s_nb.kube.preflight import check_rights, quota_room
from sparkk8s_nb.kube.watch import SILENCE, Backoff
from sparkk8s_nb.model.awaiting import awaited
from sparkk8s_nb.model.fleet import FleetEvent, Listed, PodGone, PodSeen, WatchLost
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.telemetry.worker import StopFlag, Worker

numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"kube-{os.getpid()}-{next(numbers)}"


@pytest.fixture
def cluster(embedded_cluster: EmbeddedCluster, tmp_path: Path) -> Iterator[KubeCluster]:
    """Our adapter, from the daemon's own kubeconfig."""
    target = ClusterTarget(
        kind=TargetKind.EMBEDDED, namespace="default", kubeconfig=embedded_cluster.kubeconfig
    )
    cluster = connect(target, scratch=tmp_path / "api")
    yield cluster
    cluster.close()


def config_map(name: str, **data: str) -> dict:
    return {"kind": "ConfigMap", "metadata": {"name": name, "labels": {"test": name}}, "data": data}


def pod(name: str, test: str, *, cpu: str = "10m") -> dict:
    container = {
        "name": "spark-kubernetes-executor",
        "image": "none",
        "command": ["/bin/sh", "-c", "echo hello; exec sleep 600"],
        "resources": {"requests": {"cpu": cpu, "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"test": test, "spark-exec-id": name.rpartition("-")[2]}},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }


def test_an_object_s_life(cluster, name):
    """Create, conflict, read, list, merge, delete with the right uid only."""
    made = cluster.create(config_map(name, a="1"))
    with pytest.raises(ConflictError, match="already exists"):
        cluster.create(config_map(name))
    assert cluster.merge("ConfigMap", name, {"data": {"a": None, "b": "2"}})["data"] == {"b": "2"}
    assert [item["metadata"]["name"] for item in cluster.list("ConfigMap", selector=f"test={name}")] == [name]
    assert cluster.delete("ConfigMap", name, uid="another") is False
    assert cluster.delete("ConfigMap", name, uid=made["metadata"]["uid"]) is True
    assert cluster.read("ConfigMap", name) is None
    assert cluster.delete("ConfigMap", name) is False


def test_a_dry_run_checks_and_stores_nothing(cluster, name):
    """As the probe of the pod template needs it."""
    cluster.create(config_map(name), dry_run=True)
    assert cluster.read("ConfigMap", name) is None
    with pytest.raises(InvalidError, match=r"spec\.containers"):
        cluster.create({"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": []}}, dry_run=True)


def test_a_collection_is_deleted_by_label(cluster, name):
    """What carries another label stays."""
    for number in range(3):
        cluster.create(
            {
                **config_map(f"{name}-{number}"),
                "metadata": {"name": f"{name}-{number}", "labels": {"t": name}},
            }
        )
    other = cluster.create(config_map(f"{name}-other"))
    cluster.delete_all("ConfigMap", f"t={name}")
    assert list(cluster.list("ConfigMap", selector=f"t={name}")) == []
    assert cluster.delete("ConfigMap", other["metadata"]["name"])


def test_a_missing_namespace_and_a_wrong_token_are_told_apart(cluster, embedded_cluster, name):
    """404 and 401, each with its way out."""
    with pytest.raises(NotFoundError):
        cluster.create({"kind": "ConfigMap", "metadata": {"name": name, "namespace": "nowhere"}})
    access = replace(cluster.access, token_file=None, token="wrong")
    stranger = KubeCluster(cluster.target, access, ApiServer(access))
    with pytest.raises(RefusedError, match="does not accept our credentials"):
        stranger.version()
    stranger.close()


def test_a_lease_is_renewed_only_by_its_uid(cluster, name):
    """Another's uid is one that may not change, as on a real server."""
    manifest = lease_manifest(
        name, "default", labels={}, annotations={}, holder="h", duration_seconds=60, now=60.0
    )
    lease = cluster.create(manifest)
    uid = lease["metadata"]["uid"]
    owned = {"metadata": {"name": name, "ownerReferences": [owner_reference(lease)]}, "kind": "Secret"}
    cluster.create(owned)
    assert renew(cluster, name, uid=uid, now=120.0) is Renewal.RENEWED
    assert cluster.read("Lease", name)["spec"]["renewTime"] == "1970-01-01T00:02:00.000000Z"
    assert renew(cluster, name, uid="another", now=180.0) is Renewal.LOST
    assert cluster.delete("Lease", name, uid=uid)
    assert renew(cluster, name, uid=uid, now=180.0) is Renewal.LOST


def test_the_embedded_cluster_allows_all_that_a_session_does(cluster, embedded_cluster):
    """Preflight finds nothing; no quota limits anything; the context is listed."""
    assert check_rights(cluster) == ()
    assert quota_room(cluster).fits(cpu_millis=1, memory=1) is None
    assert [info.name for info in contexts([embedded_cluster.kubeconfig])] == ["embedded"]


class Watcher:
    """Follows pods on a thread, as a session does."""

    def __init__(self, source, selector: str) -> None:
        self.events: queue.Queue[FleetEvent] = queue.Queue()
        self.died: list[BaseException] = []
        pods = KubePodSource(source, backoff=Backoff(most=0.5))

        def work(stop: StopFlag) -> None:
            for event in pods.events(selector, stop):
                self.events.put(event)

        self.worker = Worker("pods", work, on_death=self.died.append)
        self.worker.start()

    def until(self, wanted, seconds: float = 30.0) -> FleetEvent:
        """The next event for which ``wanted`` holds."""
        while True:
            event = self.events.get(timeout=seconds)
            if wanted(event):
                return event

    def close(self) -> None:
        assert self.worker.stop(timeout=5), "the watch did not end"
        assert self.died == []


@pytest.fixture
def watch() -> Iterator:
    """Starts watchers, which have listed when a test gets them, and ends them."""
    watchers: list[Watcher] = []

    def run(source, selector: str) -> Watcher:
        watchers.append(Watcher(source, selector))
        first = watchers[-1].events.get(timeout=30)
        assert first.pods == ()
        return watchers[-1]

    yield run
    for watcher in watchers:
        watcher.close()


def is_pod(kind: type, name: str, phase: str = ""):
    return lambda event: (
        isinstance(event, kind) and event.pod.name == name and (not phase or event.pod.phase == phase)
    )


def test_a_pod_is_followed_from_pending_to_its_end(cluster, watch, name):
    """With its size, node, log and exit; a terminal phase comes before it is gone."""
    watcher = watch(cluster, f"test={name}")
    cluster.create(pod(f"{name}-1", name))
    running = watcher.until(is_pod(PodSeen, f"{name}-1", "Running")).pod
    assert (running.executor, running.cpu_millis, running.memory) == ("1", 10, 64 * 2**20)
    assert running.node
    assert running.ip
    cluster.delete("Pod", f"{name}-1", grace=1)
    ended = watcher.until(
        lambda event: is_pod(PodSeen, f"{name}-1")(event) and event.pod.exit_code is not None
    )
    assert ended.pod.deleting
    watcher.until(is_pod(PodGone, f"{name}-1"))


def test_a_pod_that_does_not_fit_says_what_is_missing(cluster, watch, name):
    """The scheduler's own words."""
    watcher = watch(cluster, f"test={name}")
    cluster.create(pod(f"{name}-1", name, cpu="9000"))
    event = watcher.until(lambda event: isinstance(event, PodSeen) and event.pod.reason == "Unschedulable")
    assert "Insufficient cpu" in event.pod.message
    cluster.delete("Pod", f"{name}-1", grace=0)
    watcher.until(is_pod(PodGone, f"{name}-1"))


def test_a_log_is_read(cluster, watch, name):
    """And is empty before there is one."""
    assert cluster.pod_log(f"{name}-1") == ""
    watcher = watch(cluster, f"test={name}")
    cluster.create(pod(f"{name}-1", name))
    watcher.until(is_pod(PodSeen, f"{name}-1", "Running"))
    for _ in range(100):
        if cluster.pod_log(f"{name}-1") == "hello\n":
            break
        StopFlag().wait(0.05)
    else:
        pytest.fail("no log came")
    cluster.delete_all("Pod", f"test={name}", grace=0)
    watcher.until(is_pod(PodGone, f"{name}-1"))


class Forgetful:
    """A cluster whose first list claims a version from long ago."""

    def __init__(self, cluster: KubeCluster) -> None:
        self._cluster = cluster
        self.access = cluster.access
        self.lists = 0

    def snapshot(self, kind: str, *, selector: str = ""):
        self.lists += 1
        objects, version = self._cluster.snapshot(kind, selector=selector)
        return objects, "1" if self.lists == 1 else version

    def watch(self, *args, **options):
        return self._cluster.watch(*args, **options)


def test_a_version_that_the_server_has_forgotten_leads_to_a_new_list(cluster, watch, name):
    """410 is no loss: the list tells all, and the watch goes on from there."""
    with pytest.raises(ExpiredError):
        cluster.watch("Pod", version="1", timeouts=SILENCE)
    source = Forgetful(cluster)
    watcher = watch(source, f"test={name}")
    watcher.until(lambda event: isinstance(event, Listed))
    cluster.create(pod(f"{name}-1", name))
    watcher.until(is_pod(PodSeen, f"{name}-1"))
    assert source.lists == 2
    cluster.delete("Pod", f"{name}-1", grace=0)
    watcher.until(is_pod(PodGone, f"{name}-1"))


class Relay:
    """A wire between the adapter and the daemon that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._up = True
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def _spawn(self, work, *args) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                if not self._up:
                    inner.close()
                    continue
                outer = socket.create_connection(("127.0.0.1", self._target))
                self._pairs.append((inner, outer))
                self._spawn(self._pump, inner, outer)

    @staticmethod
    def _pump(inner: socket.socket, outer: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                for ready in select.select([inner, outer], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (outer if ready is inner else inner).sendall(data)

    def cut(self) -> None:
        """Every connection breaks, and none comes up."""
        self._up = False
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Connections come up again."""
        self._up = True

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
        for pair in self._pairs:
            for end in pair:
                end.close()


def test_what_happened_while_the_server_was_away_is_in_the_list_after_it(cluster, watch, name):
    """The view is told that it is old, and then the whole truth."""
    relay = Relay(int(cluster.access.server.rpartition(":")[2]))
    access = replace(cluster.access, server=f"https://127.0.0.1:{relay.port}")
    api = ApiServer(access)
    try:
        watcher = watch(KubeCluster(cluster.target, access, api), f"test={name}")
        cluster.create(pod(f"{name}-1", name))
        watcher.until(is_pod(PodSeen, f"{name}-1", "Running"))
        relay.cut()
        assert watcher.until(lambda event: isinstance(event, WatchLost)).problem
        cluster.create(pod(f"{name}-2", name))
        relay.mend()
        listed = watcher.until(lambda event: isinstance(event, Listed))
        assert {view.name for view in listed.pods} == {f"{name}-1", f"{name}-2"}
        cluster.delete_all("Pod", f"test={name}", grace=0)
        watcher.until(is_pod(PodGone, f"{name}-2"))
        watcher.close()
    finally:
        api.close()
        relay.close()


def test_what_the_api_says_of_a_pod_is_read(cluster, name):
    """Of that pod alone, in order: what its scheduler says, and what an autoscaler would."""
    cluster.create(pod(f"{name}-1", name, cpu="1000"))
    cluster.create(pod(f"{name}-2", name, cpu="1000"))
    try:
        found = next(
            events
            for _ in range(600)
            if (events := cluster.pod_events(f"{name}-1")) or threading.Event().wait(0.1)
        )
        assert [event.reason for event in found] == ["FailedScheduling"]
        made = cluster.read("Pod", f"{name}-1")
        about = {"kind": "Pod", "name": f"{name}-1", "namespace": "default", "uid": made["metadata"]["uid"]}
        later = datetime.datetime.fromtimestamp(found[0].at + 5, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        cluster.create(
            {
                "kind": "Event",
                "metadata": {"generateName": f"{name}-"},
                "involvedObject": about,
                "reason": "TriggeredScaleUp",
                "message": "pod triggered scale-up: [{group 1->2 (max: 9)}]",
                "type": "Normal",
                "source": {"component": "cluster-autoscaler"},
                "firstTimestamp": later,
                "lastTimestamp": later,
                "count": 1,
            }
        )
        found = cluster.pod_events(f"{name}-1")
        assert [event.reason for event in found] == ["FailedScheduling", "TriggeredScaleUp"]
        assert awaited(pod_view(cluster.read("Pod", f"{name}-1")), found) == "TriggeredScaleUp"
        assert awaited(pod_view(cluster.read("Pod", f"{name}-2")), cluster.pod_events(f"{name}-2")) == ""
    finally:
        cluster.delete_all("Pod", f"test={name}", grace=0)
