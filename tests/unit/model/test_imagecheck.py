"""What the image has not got is found before executors are asked for."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.imagecheck import Program, executor_mounts, not_in_image, shared_mounts
from sparkk8s_nb.model.manifests import CONTAINER
from sparkk8s_nb.model.mountinfo import parse_mountinfo
from sparkk8s_nb.model.ownpod import OwnPod, PodMount

MOUNTS = parse_mountinfo(
    "1 0 0:1 / / rw - overlay o rw\n2 1 0:2 /v /home/ada rw - nfs4 s rw\n3 1 0:3 / /tools ro - tmpfs t rw"
)
CLAIM = {"persistentVolumeClaim": {"claimName": "claim-ada"}}
HOME = PodMount(path="/home/ada", volume="home", source=CLAIM)
OWN = OwnPod(
    name="nb", uid="u", namespace="hub", container="nb", image="i",
    container_started="1970-01-01T00:16:40Z", mounts=(HOME,),
)  # fmt: skip
PYTHON = Program(name="Python", paths=("/usr/bin/python3.11", "/opt/venv"), changed=500.0)
PYSPARK = Program(name="pyspark", paths=("/opt/venv/lib/pyspark/jars",), changed=500.0)
JAVA = Program(name="Java", paths=("/usr/lib/jvm/17/bin/java",), changed=500.0)
AT_HOME = Program(name="Python", paths=("/usr/bin/python3.11", "/home/ada/venv"))


def test_an_image_with_all_in_it_has_nothing_to_say():
    """Installed before the container started, on no volume."""
    assert not_in_image([PYTHON, PYSPARK, JAVA], MOUNTS, OWN) == ()


def test_an_environment_on_a_volume_is_found_and_the_claim_named():
    """All that lies there in one sentence, with the option that would mount it."""
    pyspark = Program(name="pyspark", paths=("/home/ada/venv/lib/pyspark/jars",))
    (found,) = not_in_image([AT_HOME, pyspark, JAVA], MOUNTS, OWN)
    assert found.detail == (
        "This kernel's Python and pyspark lie on the volume home (/home/ada), which executors do not have."
    )
    assert "--volume claim-ada:/home/ada:ro" in found.fix
    assert "--image" in found.fix


def test_a_mount_that_is_no_volume_of_the_pod_is_found_too():
    """Kinds that we do not know, or a pod that was read before they were there."""
    (found,) = not_in_image([Program(name="Java", paths=("/tools/jdk/bin/java",))], MOUNTS, OWN)
    assert "This kernel's Java lies on what is mounted at /tools" in found.detail
    assert "--pod-template" in found.fix


def test_a_volume_that_executors_mount_at_the_same_path_is_no_problem():
    """At another path, or another claim, it is."""
    there = PodMount(path="/home/ada", volume="other-name", source=CLAIM, read_only=True)
    assert not_in_image([AT_HOME], MOUNTS, OWN, [there]) == ()
    for other in (
        PodMount(path="/data", volume="home", source=CLAIM),
        PodMount(path="/home/ada", volume="home", source={"persistentVolumeClaim": {"claimName": "b"}}),
        PodMount(path="/home/ada", volume="home", source=CLAIM, sub_path="x"),
    ):
        assert len(not_in_image([AT_HOME], MOUNTS, OWN, [other])) == 1


def test_what_was_installed_after_the_container_started_is_found():
    """pip install pyspark in a cell; where the start is not known nothing is said."""
    late = Program(name="pyspark", paths=PYSPARK.paths, changed=1500.0)
    (found,) = not_in_image([PYTHON, late, JAVA], MOUNTS, OWN)
    assert "pyspark was installed after its container started" in found.detail
    unknown = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i")
    assert not_in_image([late], MOUNTS, unknown) == ()


def test_volumes_that_each_pod_has_for_itself_are_never_shared():
    """Two emptyDirs, two nodes' directories, two ephemeral volumes of a CSI driver."""
    for source in (
        {"emptyDir": {}},
        {"hostPath": {"path": "/data"}},
        {"configMap": {"name": "c"}},
        {"csi": {"driver": "inline.example.com", "volumeAttributes": {"share": "a"}}},
    ):
        mount = PodMount(path="/data", volume="v", source=source)
        own = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i", mounts=(mount,))
        assert shared_mounts(own, [mount]) == ()
    assert shared_mounts(OWN, [HOME]) == (HOME,)


@pytest.mark.parametrize(
    ("source", "shared"),
    [
        (CLAIM, False),
        ({"azureFile": {"secretName": "account", "shareName": "data"}}, False),
        ({"glusterfs": {"endpoints": "servers", "path": "data"}}, False),
        ({"nfs": {"server": "files.example.com", "path": "/data"}}, True),
        ({"cephfs": {"monitors": ["10.0.0.1:6789"], "path": "/data"}}, True),
    ],
)
def test_what_a_volume_names_is_another_thing_in_another_namespace(source, shared):
    """Claims, Secrets and Endpoints are of a namespace; a server is the same from everywhere."""
    mount = PodMount(path="/data", volume="v", source=source)
    own = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i", mounts=(mount,))
    assert shared_mounts(own, [mount], namespace="hub") == (mount,)
    assert shared_mounts(own, [mount], namespace="executors") == ((mount,) if shared else ())


def test_a_part_of_a_volume_that_each_pods_variables_choose_is_not_shared():
    """The same expression is another directory in another pod."""
    mount = PodMount(path="/data", volume="v", source=CLAIM, sub_path="$(POD_NAME)")
    own = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i", mounts=(mount,))
    assert shared_mounts(own, [mount]) == ()


def test_a_claim_of_another_namespace_is_no_advice():
    """It could not be mounted there."""
    (found,) = not_in_image([AT_HOME], MOUNTS, OWN, [HOME], namespace="executors")
    assert "--volume" not in found.fix
    assert "--pod-template" in found.fix


def test_mounts_of_executors_are_read_from_all_templates_together():
    """A volume in one, its mount in another."""
    volumes = {"spec": {"volumes": [{"name": "home", **CLAIM}]}}
    mounts = {"spec": {"containers": [
        {"name": "sidecar", "volumeMounts": [{"name": "home", "mountPath": "/x"}]},
        {"name": CONTAINER, "volumeMounts": [{"name": "home", "mountPath": "/home/ada"}]},
    ]}}  # fmt: skip
    assert executor_mounts([volumes, mounts]) == (HOME,)
    assert executor_mounts([]) == ()
