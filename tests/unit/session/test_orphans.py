"""Only what is proven dead is swept."""

from __future__ import annotations

import pytest

from sparkk8s_nb import processes
from sparkk8s_nb.errors import ConnectError, RefusedError
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.processes import ProcessId, identify
from sparkk8s_nb.session import orphans
from sparkk8s_nb.session.orphans import find_sessions, remove, remove_all, remove_own
from sparkk8s_nb.testing import FakeCluster

GONE = ProcessId(pid=2**22 + 1, started=1.0)


@pytest.fixture(autouse=True)
def _this_boot(monkeypatch):
    monkeypatch.setattr(processes, "boot_id", lambda: "this-boot")
    monkeypatch.setattr(orphans, "boot_id", lambda: "this-boot")


def lease(
    name, process=GONE, *, boot="this-boot", notebook="flights", owner="ada", schema=1, text=None, **pod
):
    record = SessionRecord(
        name=name,
        owner=owner,
        notebook=notebook,
        namespace="default",
        holder=Holder(boot=boot, pid=process.pid, started=process.started, **pod),
        schema=schema,
    )
    return {
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {
                "app.kubernetes.io/managed-by": "sparkk8s-nb",
                "sparkk8s-nb/session": name,
                "sparkk8s-nb/owner": owner,
                "sparkk8s-nb/notebook": notebook,
            },
            "annotations": {"sparkk8s-nb/record": record.as_json() if text is None else text},
        },
        "spec": {"renewTime": "2020-01-01T00:00:00.000000Z"},
    }


def owned(kind, name, session):
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "default", "labels": {"sparkk8s-nb/session": session}},
    }


def leases(cluster):
    return [item["metadata"]["name"] for item in cluster.list("Lease")]


def test_only_dead_sessions_of_this_very_notebook_are_removed():
    """Not another notebook's, not another user's, not a living one, however old its renewTime."""
    cluster = FakeCluster(
        objects=[
            lease("dead"),
            lease("other-notebook", notebook="weather"),
            lease("other-user", owner="bob"),
            lease("alive", identify()),
            lease("other-boot", boot="another"),
            lease("no-boot", boot=""),
            lease("newer", schema=2),
            lease("unreadable", text="{"),
            lease("none", text=""),
        ]
    )
    assert remove_own(cluster, "ada", "flights") == ["dead"]
    assert set(leases(cluster)) == {
        "other-notebook", "other-user", "alive", "other-boot", "no-boot", "newer", "unreadable", "none",
    }  # fmt: skip


def test_everything_of_a_dead_session_goes():
    """Pods first, the Lease last; another session's objects stay."""
    kinds = ("Pod", "Service", "EndpointSlice", "Secret", "ConfigMap")
    cluster = FakeCluster(objects=[lease("dead"), *(owned(kind, "x", "dead") for kind in kinds)])
    for kind in kinds:
        cluster.put(owned(kind, "y", "living"))
    remove(cluster, find_sessions(cluster)[0])
    assert leases(cluster) == []
    assert [[item["metadata"]["name"] for item in cluster.list(kind)] for kind in kinds] == [["y"]] * 5
    deletes = [call.kind for call in cluster.calls if call.verb == "delete"]
    assert (deletes[0], deletes[-1]) == ("Pod", "Lease")


def test_a_lease_that_was_made_anew_meanwhile_stays():
    """Its uid is another: a session that was revived."""
    cluster = FakeCluster(objects=[lease("s")])
    found = find_sessions(cluster)[0]
    cluster.delete("Lease", "s")
    cluster.put(lease("s"))
    remove(cluster, found)
    assert leases(cluster) == ["s"]


def test_what_we_may_not_delete_goes_with_the_lease():
    """Users often have no right to list Secrets."""
    cluster = FakeCluster(objects=[lease("dead")])
    cluster.fail("list", "Secret", RefusedError("no", fix="ask"))
    remove(cluster, find_sessions(cluster)[0])
    assert leases(cluster) == []


def test_sessions_that_cannot_be_removed_stop_no_other():
    """They are named."""
    cluster = FakeCluster(objects=[lease("a"), lease("b")])
    found = find_sessions(cluster)
    cluster.fail("delete", "Lease", ConnectError("The server is away.", fix="Wait."), times=1)
    assert remove_all(cluster, found) == ["a: The server is away."]
    assert leases(cluster) == ["a"]


def test_a_found_session_says_whether_it_can_be_told_from_here():
    """Another machine's is neither dead nor here."""
    cluster = FakeCluster(objects=[lease("dead"), lease("far", boot="another"), lease("odd", text="[]")])
    found = {session.name: (session.dead, session.here) for session in find_sessions(cluster, "ada")}
    assert found == {"dead": (True, True), "far": (False, False), "odd": (False, False)}


STARTED = "2026-01-01T00:00:00Z"


def held_by(name, uid):
    return {
        "boot": "another", "pod": uid, "pod_name": name, "pod_namespace": "hub", "container": "nb",
        "container_started": STARTED,
    }  # fmt: skip


def notebook_pod(name, started=STARTED):
    status = {"name": "nb", "state": {"running": {"startedAt": started}}}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "hub", "uid": f"u-{name}"},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def test_sessions_whose_notebook_pod_has_gone_or_restarted_are_dead():
    """Looked up in the notebook's own namespace, each pod once; one that runs on proves life."""
    cluster = FakeCluster(objects=[notebook_pod("runs"), notebook_pod("again", "2026-01-01T01:00:00Z")])
    for name, pod in (("a", "runs"), ("b", "runs"), ("c", "again"), ("d", "gone"), ("e", "gone")):
        cluster.put(lease(name, **held_by(pod, f"u-{pod}")))
    found = find_sessions(cluster)
    assert [session.name for session in found if session.dead] == ["c", "d", "e"]
    assert len([call for call in cluster.calls if call.kind == "Pod"]) == 3
    assert remove_own(cluster, "ada", "flights") == ["c", "d", "e"]


def test_a_notebook_pod_that_we_may_not_read_proves_nothing():
    """Nor does a record of a newer release."""
    cluster = FakeCluster(
        objects=[lease("s", **held_by("gone", "u")), lease("n", schema=2, **held_by("gone", "u"))]
    )
    assert [s.dead for s in find_sessions(cluster)] == [False, True]
    cluster.fail("get", "Pod", RefusedError("no", fix="ask"))
    assert [s.dead for s in find_sessions(cluster)] == [False, False]
