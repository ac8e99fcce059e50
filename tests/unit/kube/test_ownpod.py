"""The pod finds itself, and says what to do where it cannot."""

from __future__ import annotations

import copy

import pytest

from sparkk8s_nb.errors import ClusterError, RefusedError
from sparkk8s_nb.kube.ownpod import find_own_pod, look_inside
from sparkk8s_nb.model.ownpod import Inside
from sparkk8s_nb.testing import FakeCluster

INSIDE = Inside(names=("nb-0",), addresses=("10.1.2.3",))
DENIED = RefusedError("no", fix="ask")


def pod(name="nb-0", ip="10.1.2.3", containers=("notebook",)):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "hub"},
        "spec": {"containers": [{"name": each, "image": "team/nb:1"} for each in containers]},
        "status": {"podIP": ip},
    }


def test_the_name_that_the_container_was_given_finds_the_pod_in_one_request():
    """HOSTNAME, confirmed by the IP."""
    cluster = FakeCluster("hub", [pod(), pod("other", "10.1.2.4")])
    found = find_own_pod(cluster, INSIDE)
    assert (found.name, found.namespace, found.container) == ("nb-0", "hub", "notebook")
    assert [(call.verb, call.name) for call in cluster.calls] == [("get", "nb-0")]


def test_a_pod_of_our_name_that_is_not_ours_is_not_taken():
    """A pod whose hostname is another's name finds itself in the list."""
    cluster = FakeCluster("hub", [pod(ip="10.9.9.9"), pod("real", "10.1.2.3")])
    assert find_own_pod(cluster, INSIDE).name == "real"


def test_without_the_right_to_get_pods_the_list_will_do():
    """Roles often allow one and not the other."""
    cluster = FakeCluster("hub", [pod()])
    cluster.fail("get", "Pod", copy.copy(DENIED))
    assert find_own_pod(cluster, INSIDE).name == "nb-0"


def test_without_any_right_the_error_names_the_rule_and_the_way_by_hand():
    """Two lines."""
    cluster = FakeCluster("hub", [pod()])
    cluster.fail("*", "Pod", DENIED)
    with pytest.raises(RefusedError) as caught:
        find_own_pod(cluster, INSIDE)
    assert "may not read this notebook's own pod in namespace hub" in caught.value.problem
    assert 'resources: ["pods"], verbs: ["get", "list"]' in caught.value.fix
    assert "--image" in caught.value.fix
    assert len(str(caught.value).splitlines()) == 2


def test_a_pod_that_cannot_be_found_or_told_apart_is_an_error():
    """Never another's pod, never a guess."""
    with pytest.raises(ClusterError, match="None of the pods in namespace hub"):
        find_own_pod(FakeCluster("hub", [pod(ip="10.9.9.9")]), INSIDE)
    with pytest.raises(ClusterError, match=r"several containers \(notebook, proxy\)"):
        find_own_pod(FakeCluster("hub", [pod(containers=("notebook", "proxy"))]), INSIDE)


def test_looking_inside_reads_what_the_process_has(tmp_path):
    """Names in order, without doubles; files that are not there are empty."""
    (tmp_path / "mountinfo").write_text("1 0 8:1 / / rw - ext4 a rw\n")
    inside = look_inside({"HOSTNAME": "b", "POD_NAME": "a", "MY_POD_NAME": "b"}, proc=tmp_path)
    assert inside.names == ("a", "b")
    assert [mount.path for mount in inside.mounts] == ["/"]
    assert inside.cgroup == ""
    assert not any(address.startswith("127.") for address in inside.addresses)
