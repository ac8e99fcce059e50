"""Our adapter against a real API server: objects, watches, Leases, and how it refuses."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.lease import Renewal, lease_manifest, owner_reference, renew
from sparkk8s_nb.kube.pods import KubePodSource
from sparkk8s_nb.kube.preflight import quota_room
from sparkk8s_nb.model.fleet import FleetEvent, Listed, PodGone, PodSeen
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster, session_rules


@pytest.fixture
def cluster(namespace: Namespace) -> KubeCluster:
    """Our adapter, as a user with the rights that a session asks for and no others."""
    return namespace.connect(namespace.user("analyst", session_rules()))


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": name, "labels": {"test": "one"}}, "data": data}


def pod(name: str, **spec: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    container = {"name": "spark-kubernetes-executor", "image": "none", "resources": resources}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"test": "one", "spark-exec-id": "1"}},
        "spec": {"containers": [container], "restartPolicy": "Never", **spec},
    }


def test_the_server_says_its_version(cluster: KubeCluster) -> None:
    """The cheapest proof that it answers, for a user without any other right too."""
    assert cluster.version().startswith("v1.")


def test_an_object_s_life(namespace: Namespace) -> None:
    """Create, conflict, read, merge, delete with the right uid only."""
    cluster = namespace.administrator
    made = cluster.create(config_map("one", a="1"))
    with pytest.raises(ConflictError, match="already exists"):
        cluster.create(config_map("one"))
    assert cluster.merge("ConfigMap", "one", {"data": {"a": None, "b": "2"}})["data"] == {"b": "2"}
    assert [item["kind"] for item in cluster.list("ConfigMap", selector="test=one")] == ["ConfigMap"]
    assert cluster.delete("ConfigMap", "one", uid="another") is False
    assert cluster.delete("ConfigMap", "one", uid=made["metadata"]["uid"]) is True
    assert cluster.read("ConfigMap", "one") is None
    assert cluster.delete("ConfigMap", "one") is False


def test_a_list_of_many_pages_is_whole(namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server hands it out in pieces."""
    monkeypatch.setattr("sparkk8s_nb.kube.pages.PAGE", 2)
    for number in range(5):
        namespace.administrator.create(config_map(f"map-{number}"))
    objects, version = namespace.administrator.snapshot("ConfigMap", selector="test=one")
    assert [item["metadata"]["name"] for item in objects] == [f"map-{number}" for number in range(5)]
    assert int(version) > 0


def test_a_collection_is_deleted_by_label(cluster: KubeCluster, namespace: Namespace) -> None:
    """What carries another label stays."""
    for name in ("one", "two"):
        cluster.create(config_map(name))
    cluster.create({"kind": "ConfigMap", "metadata": {"name": "other"}})
    cluster.delete_all("ConfigMap", "test=one")
    left = [item["metadata"]["name"] for item in namespace.administrator.list("ConfigMap")]
    assert {"one", "two", "other"} & set(left) == {"other"}


def test_a_dry_run_checks_and_stores_nothing(cluster: KubeCluster) -> None:
    """As the probe of the pod template needs it; the server names the field."""
    cluster.create(pod("one"), dry_run=True)
    assert cluster.read("Pod", "one") is None
    with pytest.raises(InvalidError, match=r"spec\.containers"):
        cluster.create(pod("one", containers=[]), dry_run=True)


def test_a_lease_is_renewed_only_by_its_uid(cluster: KubeCluster) -> None:
    """Whoever took the name is not renewed for us."""
    manifest = lease_manifest(
        "session",
        cluster.target.namespace,
        labels={},
        annotations={},
        holder="h",
        duration_seconds=60,
        now=60,
    )
    lease = cluster.create(manifest)
    uid = lease["metadata"]["uid"]
    owned = {"kind": "Secret", "metadata": {"name": "rpc", "ownerReferences": [owner_reference(lease)]}}
    assert cluster.create(owned)["metadata"]["ownerReferences"][0]["uid"] == uid
    assert renew(cluster, "session", uid=uid, now=120) is Renewal.RENEWED
    renewed = cluster.read("Lease", "session")
    assert renewed is not None
    assert renewed["spec"]["renewTime"] == "1970-01-01T00:02:00.000000Z"
    assert renew(cluster, "session", uid="another", now=180) is Renewal.LOST
    assert cluster.delete("Lease", "session", uid=uid)
    assert renew(cluster, "session", uid=uid, now=180) is Renewal.LOST


@pytest.fixture
def pods(cluster: KubeCluster) -> Iterator[queue.Queue[FleetEvent]]:
    """What a session's follower of pods sees; it has listed."""
    events: queue.Queue[FleetEvent] = queue.Queue()
    died: list[BaseException] = []

    def work(stop: StopFlag) -> None:
        for event in KubePodSource(cluster).events("test=one", stop):
            events.put(event)

    worker = Worker("pods", work, on_death=died.append)
    worker.start()
    first = events.get(timeout=30)
    assert isinstance(first, Listed)
    assert first.pods == ()
    yield events
    assert worker.stop(timeout=5), "the watch did not end"
    assert died == []


def test_pods_are_followed(cluster: KubeCluster, pods: queue.Queue[FleetEvent]) -> None:
    """One comes, and one goes."""
    cluster.create(pod("one-1"))
    seen = pods.get(timeout=30)
    assert isinstance(seen, PodSeen)
    assert (seen.pod.name, seen.pod.executor, seen.pod.cpu_millis) == ("one-1", "1", 100)
    cluster.delete("Pod", "one-1", grace=0)
    while isinstance(gone := pods.get(timeout=30), PodSeen):
        assert gone.pod.name == "one-1"
    assert isinstance(gone, PodGone)


def test_an_empty_namespace_without_quota_has_room(cluster: KubeCluster) -> None:
    """Nothing limits it."""
    assert quota_room(cluster).fits(cpu_millis=1, memory=1) is None


def test_a_request_without_the_right_names_verb_and_rule(namespace: Namespace) -> None:
    """403 from RBAC, where a right was taken away after the start."""
    user = namespace.connect(namespace.user("reader", []))
    with pytest.raises(RefusedError, match=r"We may not deletecollection pods") as refused:
        user.delete_all("Pod", "test=one")
    assert 'resources: ["pods"], verbs: ["deletecollection"]' in refused.value.fix


def test_a_namespace_that_is_not_there_is_named(namespace: Namespace) -> None:
    """404, with what to do about it."""
    with pytest.raises(NotFoundError, match="nowhere") as missing:
        namespace.administrator.create(
            {"kind": "ConfigMap", "metadata": {"name": "x", "namespace": "nowhere"}}
        )
    assert "--namespace" in missing.value.fix


def test_credentials_that_the_server_does_not_know_are_refused(namespace: Namespace) -> None:
    """401 is no missing right: log in again."""
    kubeconfig = namespace.user("analyst", session_rules())
    text = kubeconfig.read_text()
    token = text.partition('"token": "')[2].partition('"')[0]
    kubeconfig.write_text(text.replace(token, f"{token[:-8]}AAAAAAAA"))
    with pytest.raises(RefusedError, match="does not accept our credentials"):
        namespace.connect(kubeconfig)


def test_pod_security_refuses_in_its_own_words(api_tier: RealCluster, tmp_path: Path) -> None:
    """A namespace that enforces "restricted" names what a pod lacks."""
    with api_tier.namespace(tmp_path, labels=RESTRICTED) as namespace:
        user = namespace.connect(namespace.user("analyst", session_rules()))
        with pytest.raises(RefusedError, match="Pod Security level does not allow the pod") as refused:
            user.create(pod("one"), dry_run=True)
        assert "runAsNonRoot" in refused.value.problem


def test_a_quota_refuses_in_its_own_words(namespace: Namespace, cluster: KubeCluster) -> None:
    """What is asked for, used and allowed; and the room that is left is known before."""
    hard = {"requests.cpu": "150m", "pods": "5"}
    quota = {"kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}}
    made = dict(namespace.administrator.create(quota))
    if not namespace.cluster.controllers:  # whose part it is to say what the quota's use is
        path = f"/api/v1/namespaces/{namespace.name}/resourcequotas/small/status"
        namespace.put(path, made | {"status": {"hard": hard, "used": {"requests.cpu": "0", "pods": "0"}}})
    room = quota_room(namespace.administrator)
    assert (room.cpu_millis, room.pods, room.quotas) == (150, 5, ("small",))
    cluster.create(pod("one"))
    with pytest.raises(RefusedError, match="quota does not allow it") as refused:
        cluster.create(pod("two"), dry_run=True)
    assert "requests.cpu=100m" in refused.value.problem
    assert "requests.cpu=150m" in refused.value.problem
