"""A start in a pod knows that pod; elsewhere nobody asks."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import ConnectError, RefusedError, StartError
from sparkk8s_nb.model.imagecheck import Program
from sparkk8s_nb.model.mountinfo import parse_mountinfo
from sparkk8s_nb.model.ownpod import Inside, OwnPod, PodMount
from sparkk8s_nb.model.spec import SharedPaths, TargetKind
from sparkk8s_nb.session import notebook_pod as module
from sparkk8s_nb.session.notebook_pod import NotebookPod, check_image, notebook_pod
from sparkk8s_nb.testing import FakeCluster

POD = {
    "kind": "Pod",
    "metadata": {"name": "nb-0", "namespace": "hub", "uid": "u"},
    "spec": {"containers": [{"name": "nb", "image": "team/nb:1"}], "imagePullSecrets": [{"name": "pull"}]},
    "status": {"podIP": "10.1.2.3"},
}


@pytest.fixture(autouse=True)
def _in_pod(monkeypatch):
    monkeypatch.setattr(module, "own_namespace", lambda: "hub")
    monkeypatch.setattr(
        module, "look_inside", lambda environ: Inside(names=("nb-0",), addresses=("10.1.2.3",))
    )


def test_the_pod_is_read_in_its_own_namespace_wherever_executors_go():
    """What does not exist there, and a digest that is not known, is said."""
    cluster = FakeCluster("executors", [POD], kind=TargetKind.IN_CLUSTER)
    found = notebook_pod(cluster, image="", environ={})
    assert found.pod is not None
    assert (found.pod.name, found.pod.namespace) == ("nb-0", "hub")
    assert len(found.warnings) == 2
    assert notebook_pod(cluster, image="i", environ={}).warnings == found.warnings[:1]


def test_the_pod_owns_the_lease_only_in_its_own_namespace():
    """An owner elsewhere counts as absent: the session would be collected at once."""
    found = notebook_pod(FakeCluster("hub", [POD], kind=TargetKind.IN_CLUSTER), image="", environ={})
    assert found.lease_owner("hub") == {
        "apiVersion": "v1", "kind": "Pod", "name": "nb-0", "uid": "u", "controller": False,
    }  # fmt: skip
    assert found.lease_owner("executors") is None
    assert NotebookPod().lease_owner("hub") is None
    assert [template["kind"] for template in found.templates("hub")] == ["Pod"]
    assert NotebookPod().templates("hub") == []


def test_only_the_notebook_s_own_image_has_its_programs_in_their_places():
    """Another one, and any where the pod is not known, may have its Python elsewhere."""
    found = notebook_pod(FakeCluster("hub", [POD], kind=TargetKind.IN_CLUSTER), image="", environ={})
    assert (found.runs("team/nb:1"), found.runs("team/spark:1")) == (True, False)
    assert not NotebookPod().runs("team/nb:1")


def test_another_cluster_knows_nothing_of_our_pod():
    """The embedded one, or a context: no request is made."""
    cluster = FakeCluster(objects=[POD])
    assert notebook_pod(cluster, image="", environ={}) == NotebookPod()
    assert cluster.calls == []


def test_without_the_right_to_read_pods_an_image_by_hand_is_enough():
    """Without one the start ends with what to ask for; an API that is away is no missing right."""
    cluster = FakeCluster("hub", [POD], kind=TargetKind.IN_CLUSTER)
    cluster.fail("*", "Pod", RefusedError("no", fix="ask"))
    with pytest.raises(RefusedError, match="may not read this notebook's own pod"):
        notebook_pod(cluster, image="", environ={})
    found = notebook_pod(cluster, image="i", environ={})
    assert (found.pod, len(found.warnings)) == (None, 1)
    cluster.heal()
    cluster.fail("*", "Pod", ConnectError("away", fix="wait"))
    with pytest.raises(ConnectError):
        notebook_pod(cluster, image="i", environ={})


def test_a_start_whose_executors_would_lack_pyspark_is_refused():
    """In two lines; outside a pod nothing is looked at."""
    mounts = parse_mountinfo("1 0 0:1 / / rw - overlay o rw\n2 1 0:2 / /home/ada rw - nfs4 s rw")
    lost = [Program(name="pyspark", paths=("/home/ada/pyspark",))]
    notebook = notebook_pod(FakeCluster("hub", [POD], kind=TargetKind.IN_CLUSTER), image="", environ={})
    with pytest.raises(StartError, match="pyspark lies on what is mounted at /home/ada") as caught:
        check_image(notebook, lost, [], mounts, namespace="hub")
    assert len(str(caught.value).splitlines()) == 2
    check_image(notebook, [Program(name="pyspark", paths=("/opt/pyspark",))], [], mounts, namespace="hub")
    check_image(NotebookPod(), lost, [], mounts, namespace="hub")


def test_paths_are_shared_where_both_mount_the_same_volume_or_somebody_says_so():
    """Each once; outside a pod only what was said. In another namespace the claim of that name is another."""
    claim = {"persistentVolumeClaim": {"claimName": "data"}}
    mine = PodMount(path="/data", volume="v", source=claim)
    own = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i", mounts=(mine,))
    theirs = [PodMount(path="/data", volume="sparkk8s-volume-0", source=claim)]
    found = NotebookPod(pod=own)
    both = SharedPaths(shared=("/mnt", "/data"))
    assert found.shared_paths(theirs, said=["/mnt", "/data"], namespace="hub") == both
    assert found.shared_paths(theirs, said=["/mnt"], namespace="executors") == SharedPaths(shared=("/mnt",))
    assert found.shared_paths([], said=[], namespace="hub") == SharedPaths()
    assert NotebookPod().shared_paths(theirs, said=["/mnt"], namespace="hub") == SharedPaths(shared=("/mnt",))


def test_a_volume_of_one_side_within_a_shared_one_is_no_part_of_it():
    """The notebook's scratch disk, the executors' own; what somebody says is shared is so with all below it."""

    def mounts(*paths, source):
        return [PodMount(path=path, volume="v", source=source) for path in paths]

    claim = {"persistentVolumeClaim": {"claimName": "data"}}
    mine = mounts("/data", "/data/scratch/kept", source=claim) + mounts(
        "/data/scratch", "/home", source={"emptyDir": {}}
    )
    theirs = mounts("/data", "/data/scratch/kept", source=claim) + mounts(
        "/data/cache", source={"emptyDir": {}}
    )
    own = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i", mounts=tuple(mine))
    found = NotebookPod(pod=own).shared_paths(theirs, said=["/mnt"], namespace="hub")
    assert found.shared == ("/mnt", "/data", "/data/scratch/kept")
    assert found.apart == ("/data/cache", "/data/scratch")
    assert NotebookPod(pod=own).shared_paths(theirs, said=["/"], namespace="hub").apart == ()
