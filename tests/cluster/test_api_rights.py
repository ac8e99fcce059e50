"""The Role that we print, on a real API server: it is enough, and each verb of it is missed by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.apiserver import Timeouts
from sparkk8s_nb.cli.main import main
from sparkk8s_nb.errors import RefusedError
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.lease import Renewal, lease_manifest, renew
from sparkk8s_nb.kube.preflight import check_rights, cpu_limit_demanded
from sparkk8s_nb.model.labels import session_selector
from sparkk8s_nb.model.lease_events import STARTED, lease_event
from sparkk8s_nb.model.rights import Right, singly
from sparkk8s_nb.recipes.rbac import ACCOUNT
from tests.cluster.api_sessions import session_of
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster, session_rules
from tests.eventually import eventually
from tests.unit.session.conftest import World

SELECTOR = "sparkk8s-nb/session=other"


def object_of(kind: str, **rest: Any) -> dict[str, Any]:
    """A small object that a real API server takes."""
    return {"kind": kind, "metadata": {"name": "one"}, **rest}


POD = object_of("Pod", spec={"containers": [{"name": "c", "image": "none"}]})
LEASE = lease_manifest("one", "", labels={}, annotations={}, holder="h", duration_seconds=60, now=1)
LEASE["metadata"].pop("namespace")
SERVICE = object_of("Service", spec={"clusterIP": "None", "ports": [{"port": 1}]})
SLICE = object_of("EndpointSlice", addressType="IPv4", endpoints=[])


def event_of(cluster: KubeCluster) -> dict[str, Any]:
    """An Event on a Lease, as a session writes it."""
    return lease_event("one", cluster.target.namespace, "u", STARTED, "x", labels={}, now=1.0)


REQUESTS: dict[tuple[str, str], Callable[[KubeCluster], object]] = {
    ("pods", "create"): lambda cluster: cluster.create(POD, dry_run=True),
    ("pods", "get"): lambda cluster: cluster.read("Pod", "one"),
    ("pods", "list"): lambda cluster: cluster.list("Pod"),
    ("pods", "watch"): lambda cluster: cluster.watch(
        "Pod", version="0", seconds=1, timeouts=Timeouts(connect=5, read=5)
    ).close(),
    ("pods", "delete"): lambda cluster: cluster.delete("Pod", "one"),
    ("pods", "deletecollection"): lambda cluster: cluster.delete_all("Pod", SELECTOR),
    ("pods", "patch"): lambda cluster: cluster.merge("Pod", "theirs", {"metadata": {"labels": {"a": "b"}}}),
    ("leases", "create"): lambda cluster: cluster.create(LEASE, dry_run=True),
    ("leases", "get"): lambda cluster: cluster.read("Lease", "one"),
    ("leases", "list"): lambda cluster: cluster.list("Lease"),
    ("leases", "patch"): lambda cluster: renew(cluster, "theirs", uid="another", now=1),
    ("leases", "delete"): lambda cluster: cluster.delete("Lease", "one"),
    ("secrets", "create"): lambda cluster: cluster.create(object_of("Secret"), dry_run=True),
    ("secrets", "delete"): lambda cluster: cluster.delete("Secret", "one"),
    ("configmaps", "create"): lambda cluster: cluster.create(object_of("ConfigMap"), dry_run=True),
    ("configmaps", "delete"): lambda cluster: cluster.delete("ConfigMap", "one"),
    ("configmaps", "deletecollection"): lambda cluster: cluster.delete_all("ConfigMap", SELECTOR),
    ("pods/log", "get"): lambda cluster: cluster.pod_log("one"),
    ("events", "list"): lambda cluster: cluster.pod_events("one"),
    ("events", "create"): lambda cluster: cluster.create(event_of(cluster), dry_run=True),
    ("services", "create"): lambda cluster: cluster.create(SERVICE, dry_run=True),
    ("services", "delete"): lambda cluster: cluster.delete("Service", "one"),
    ("services", "deletecollection"): lambda cluster: cluster.delete_all("Service", SELECTOR),
    ("endpointslices", "create"): lambda cluster: cluster.create(SLICE, dry_run=True),
    ("endpointslices", "delete"): lambda cluster: cluster.delete("EndpointSlice", "one"),
    ("resourcequotas", "list"): lambda cluster: cluster.list("ResourceQuota"),
    ("limitranges", "list"): lambda cluster: cluster.list("LimitRange"),
    ("persistentvolumeclaims", "get"): lambda cluster: cluster.read("PersistentVolumeClaim", "one"),
    ("persistentvolumeclaims", "deletecollection"): lambda cluster: cluster.delete_all(
        "PersistentVolumeClaim", SELECTOR
    ),
}
"""What Spark, a session and its keeper ask for, by the right that it takes."""

each_right = pytest.mark.parametrize(
    "right", singly(), ids=lambda right: f"{right.verbs[0]}-{right.resource.replace('/', '-')}"
)


def without(namespace: Namespace, right: Right) -> KubeCluster:
    """A user who has all of the Role but this right."""
    rules = session_rules(without=[(right.resource, right.verbs[0])])
    return namespace.connect(namespace.user("analyst", rules))


@pytest.fixture
def printed(namespace: Namespace, capsys: pytest.CaptureFixture[str]) -> KubeCluster:
    """A user with the service account and the Role that the command prints."""
    assert main(["manifests", "rbac", "--namespace", namespace.name]) == 0
    namespace.apply(capsys.readouterr().out)
    return namespace.connect(namespace.kubeconfig(ACCOUNT))


def test_the_printed_role_is_enough(namespace: Namespace, printed: KubeCluster) -> None:
    """For every request of a session, and the preflight has nothing to say."""
    namespace.administrator.create(POD | {"metadata": {"name": "theirs"}})
    namespace.administrator.create(LEASE | {"metadata": {"name": "theirs"}})
    assert check_rights(printed) == ()
    for request in REQUESTS.values():
        request(printed)
    assert renew(printed, "theirs", uid="another", now=1) is Renewal.LOST
    assert cpu_limit_demanded(printed) is False


def test_the_preflight_of_whoever_has_the_role_asks_once(
    printed: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's list of our rules is complete: no right is asked for singly."""
    monkeypatch.setattr(KubeCluster, "can", lambda *_, **__: pytest.fail("a right was asked for singly"))
    assert check_rights(printed) == ()


def test_a_session_tells_of_its_start_and_end_on_its_lease(namespace: Namespace, world: World) -> None:
    """Which kubectl describe shows by these fields."""
    session = session_of(world, namespace, namespace.connect(namespace.user("analyst", session_rules())))
    session.open()
    lease = namespace.administrator.read("Lease", world.name)
    assert lease is not None
    uid = lease["metadata"]["uid"]
    fields = f"involvedObject.kind=Lease,involvedObject.name={world.name},involvedObject.uid={uid}"

    def told() -> list[str]:
        events, _ = namespace.administrator.snapshot("Event", fields=fields)
        return [event["reason"] for event in events]

    assert eventually(lambda: told() == ["SessionStarted"], 20)
    session.stop()
    assert sorted(told()) == ["SessionStarted", "SessionStopped"]


def test_the_requests_are_those_of_the_table() -> None:
    """A right that nothing asks for does not belong into the Role."""
    assert set(REQUESTS) == {(right.resource, right.verbs[0]) for right in singly()}


def test_the_printed_role_reads_no_secret_and_makes_no_role(printed: KubeCluster) -> None:
    """What would make a notebook's user more than that."""
    refused = [("get", "secrets", ""), ("list", "secrets", ""), ("create", "serviceaccounts", ""),
               ("create", "rolebindings", "rbac.authorization.k8s.io")]  # fmt: skip
    assert [printed.can(verb, resource, group=group) for verb, resource, group in refused] == [False] * 4
    assert not printed.can("create", "pods", subresource="exec")


def test_a_session_s_objects_live_and_go_with_the_printed_role(
    api_tier: RealCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str], world: World
) -> None:
    """Also where Pod Security is at its strictest: the executors' template is dry-run there."""
    with api_tier.namespace(tmp_path, labels=RESTRICTED) as namespace:
        main(["manifests", "rbac", "--namespace", namespace.name])
        namespace.apply(capsys.readouterr().out)
        session = session_of(world, namespace, namespace.connect(namespace.kubeconfig(ACCOUNT)))
        session.open()
        made = of_session(namespace, world)
        assert made == ["ConfigMap", "EndpointSlice", "Lease", "Secret", "Secret", "Service"]
        assert of_session(namespace, world, ",team=data,app.kubernetes.io/managed-by=sparkk8s-nb") == made
        session.stop()
        assert of_session(namespace, world) == []


def of_session(namespace: Namespace, world: World, labels: str = "") -> list[str]:
    """The kinds of what is there of a session (and has these labels too), as the administrator sees it."""
    kinds = ("ConfigMap", "EndpointSlice", "Lease", "Pod", "Secret", "Service")
    selector = session_selector(world.name) + labels
    return [kind for kind in kinds for _ in namespace.administrator.list(kind, selector=selector)]


@each_right
def test_a_right_that_is_missing_is_refused_by_name(namespace: Namespace, right: Right) -> None:
    """The preflight says so before, and the API server's own refusal is translated to the same rule."""
    user = without(namespace, right)
    if right.required:
        with pytest.raises(RefusedError) as before:
            check_rights(user)
        assert before.value.problem == right.lacking(namespace.name)
        assert before.value.fix == right.remedy(namespace.name)
    else:
        assert check_rights(user) == (() if right.quiet else (right.lacking(namespace.name),))
    with pytest.raises(RefusedError) as refused:
        REQUESTS[right.resource, right.verbs[0]](user)
    assert f"We may not {right.verbs[0]} {right.resource}" in refused.value.problem
    assert right.rule in refused.value.fix


@pytest.mark.parametrize(
    "right", [right for right in singly() if not right.required], ids=lambda r: f"{r.verbs[0]}-{r.resource}"
)
def test_a_session_without_an_optional_right_starts_with_its_warning_and_stops(
    namespace: Namespace, world: World, right: Right
) -> None:
    """Nothing but what the warning names is left out."""
    session = session_of(world, namespace, without(namespace, right))
    session.open()
    assert (right.lacking(namespace.name) in session.warnings) is not right.quiet
    session.stop()
    assert not {"Lease", "Pod"} & set(of_session(namespace, world))
