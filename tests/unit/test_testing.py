"""The fakes behave as the real ones do, where a session depends on it."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import ClusterError, ConflictError, DriverError, InvalidError, NotFoundError
from sparkk8s_nb.model.fleet import Listed, PodSeen, PodView
from sparkk8s_nb.processes import ProcessId
from sparkk8s_nb.testing import (
    Call,
    FakeClock,
    FakeCluster,
    FakeDriver,
    FakeKeeper,
    FakeLaunchingDriver,
    ScriptedPods,
)


def named(kind, name, **metadata):
    return {"kind": kind, "metadata": {"name": name, **metadata}}


def owner(manifest):
    metadata = manifest["metadata"]
    return {"kind": manifest["kind"], "name": metadata["name"], "uid": metadata["uid"]}


def test_what_is_made_is_stored_as_a_server_would():
    """With uid, version and namespace; changing the answer changes nothing."""
    cluster = FakeCluster("team")
    made = cluster.create(named("Lease", "s"))
    assert made["metadata"]["namespace"] == "team"
    assert made["apiVersion"] == "coordination.k8s.io/v1"
    made["metadata"]["name"] = "changed"
    assert cluster.read("Lease", "s")["metadata"]["uid"] == made["metadata"]["uid"]


def test_two_objects_cannot_have_one_name():
    """A conflict, until the first is gone."""
    cluster = FakeCluster()
    first = cluster.create(named("Pod", "p"))
    with pytest.raises(ConflictError):
        cluster.create(named("Pod", "p"))
    cluster.delete("Pod", "p")
    assert cluster.create(named("Pod", "p"))["metadata"]["uid"] != first["metadata"]["uid"]


def test_a_name_can_be_left_to_the_server():
    """generateName; without either it is refused."""
    cluster = FakeCluster()
    made = cluster.create({"kind": "Pod", "metadata": {"generateName": "p-"}})
    assert made["metadata"]["name"].startswith("p-")
    with pytest.raises(InvalidError):
        cluster.create({"kind": "Pod", "metadata": {}})


def test_a_dry_run_stores_nothing():
    """But answers."""
    cluster = FakeCluster()
    assert cluster.create(named("Pod", "p"), dry_run=True)["metadata"]["uid"]
    assert cluster.read("Pod", "p") is None


def test_what_a_dead_owner_owned_is_collected_through_all_generations():
    """And what is made for a dead owner goes at once."""
    cluster = FakeCluster()
    lease = cluster.create(named("Lease", "s"))
    pod = cluster.create(named("Pod", "p", ownerReferences=[owner(lease)]))
    cluster.create(named("ConfigMap", "c", ownerReferences=[owner(pod)]))
    cluster.delete("Lease", "s")
    assert cluster.read("ConfigMap", "c") is None
    cluster.create(named("Pod", "late", ownerReferences=[owner(lease)]))
    assert cluster.read("Pod", "late") is None


def test_a_uid_is_a_precondition():
    """In patches a field that may not change, for deletes: it was gone."""
    cluster = FakeCluster()
    uid = cluster.create(named("Lease", "s"))["metadata"]["uid"]
    assert cluster.merge("Lease", "s", {"metadata": {"uid": uid}, "spec": {"a": 1}})["spec"] == {"a": 1}
    assert cluster.merge("Lease", "s", {"spec": {"a": None, "b": {"c": 2}}})["spec"] == {"b": {"c": 2}}
    with pytest.raises(InvalidError, match=r"metadata\.uid"):
        cluster.merge("Lease", "s", {"metadata": {"uid": "another"}})
    with pytest.raises(ConflictError):
        cluster.merge("Lease", "s", {"metadata": {"resourceVersion": "0"}})
    with pytest.raises(NotFoundError):
        cluster.merge("Lease", "none", {})
    assert cluster.delete("Lease", "s", uid="another") is False
    assert cluster.delete("Lease", "s", uid=uid) is True


def test_selectors_choose():
    """Equality, inequality, presence, absence; anything else is refused, never guessed."""
    cluster = FakeCluster()
    cluster.create(named("Pod", "a", labels={"x": "1", "y": "1"}))
    cluster.create(named("Pod", "b", labels={"x": "2"}))
    cluster.create(named("Pod", "c", namespace="other", labels={"x": "1"}))

    def chosen(selector, **options):
        return [pod["metadata"]["name"] for pod in cluster.list("Pod", selector=selector, **options)]

    assert chosen("x=1") == ["a"]
    assert chosen("x==1", all_namespaces=True) == ["a", "c"]
    assert chosen("x!=1") == ["b"]
    assert chosen("y") == ["a"]
    assert chosen("!y,x") == ["b"]
    with pytest.raises(ClusterError):
        chosen("x in (1, 2)")
    cluster.delete_all("Pod", "x=1")
    assert chosen("", all_namespaces=True) == ["b", "c"]


def test_failures_come_as_often_as_asked():
    """For a verb and a kind, or any; until healed."""
    cluster = FakeCluster()
    cluster.fail("create", "Pod", InvalidError("no", fix="other"), times=1)
    with pytest.raises(InvalidError):
        cluster.create(named("Pod", "p"))
    cluster.create(named("Pod", "p"))
    cluster.fail("*", "*", ClusterError("away", fix="wait"))
    for ask in (cluster.version, lambda: cluster.list("Pod"), lambda: cluster.pod_log("p")):
        with pytest.raises(ClusterError):
            ask()
    cluster.heal()
    assert cluster.version()
    assert Call("create", "Pod", "p") in cluster.calls


def test_rights_and_logs_are_what_the_test_says():
    """Allowed unless denied; the last lines."""
    cluster = FakeCluster()
    cluster.deny("get", "pods/log")
    assert cluster.can("get", "pods")
    assert not cluster.can("get", "pods", subresource="log")
    cluster.logs["p"] = "one\ntwo\nthree\n"
    assert cluster.pod_log("p", tail=2) == "two\nthree\n"


def test_the_cluster_can_change_things_by_itself():
    """A pod's status, another's Lease."""
    cluster = FakeCluster()
    cluster.put({**named("Pod", "p"), "status": {"phase": "Running"}})
    assert cluster.read("Pod", "p")["status"]["phase"] == "Running"


def test_scripted_pods_come_in_order_until_the_stop():
    """What is pushed later comes later."""
    stop = FakeClock(stop_at=1.0)
    pods = ScriptedPods([Listed(pods=(), at=1.0)])
    events = pods.events("a=b", stop)
    assert isinstance(next(events), Listed)
    pods.push(PodSeen(pod=PodView(name="p", uid="u", executor="1"), at=2.0))
    assert next(events).pod.name == "p"
    assert list(events) == []
    assert pods.selectors == ["a=b"]


def test_drivers_and_keepers_note_what_they_are_asked():
    """And fail where they are told to."""
    launching = FakeLaunchingDriver(driver=FakeDriver(stuck=True))
    driver = launching.start({"a": "b"}, ["x.py"])
    assert (launching.conf, launching.py_files) == ({"a": "b"}, ("x.py",))
    driver.request_executors(2)
    driver.retire_executors(["1"], busy=False)
    driver.cancel("tag")
    driver.cancel_all()
    driver.enter_cell("t").leave()
    assert not driver.stop(10)
    assert [call[0] for call in driver.calls] == [
        "request_executors", "retire_executors", "cancel", "cancel_all", "enter_cell", "leave_cell", "stop",
    ]  # fmt: skip
    assert driver.status().jobs == ()
    driver.dead = True
    with pytest.raises(DriverError):
        driver.status()
    launching.error = DriverError("no", fix="again")
    with pytest.raises(DriverError):
        launching.start({}, [])
    keeper = FakeKeeper()
    keeper.driver(ProcessId(pid=7, started=1.0))
    keeper.finish()
    assert keeper.release(timeout=1)
    assert not keeper.alive


def test_a_fake_cluster_has_more_than_one_namespace():
    """Views of the same objects, failures and calls."""
    cluster = FakeCluster("team", [{"kind": "Pod", "metadata": {"name": "nb", "namespace": "hub"}}])
    assert cluster.read("Pod", "nb") is None
    hub = cluster.in_namespace("hub")
    assert hub.read("Pod", "nb") is not None
    assert (hub.target.namespace, cluster.target.namespace) == ("hub", "team")
    assert [call.name for call in cluster.calls] == ["nb", "nb"]
