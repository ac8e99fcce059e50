"""A pod's manifest becomes one value; which container is ours is told, never guessed."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.mountinfo import parse_mountinfo
from sparkk8s_nb.model.ownpod import Inside, image_by_digest, is_our_pod, own_container, own_pod

UID = "0c9c62b4-7a3e-4d6b-9f0e-2a1b3c4d5e6f"
DIGEST = "sha256:" + "ab" * 32
ID = "cd" * 32
STARTED = "2026-01-02T03:04:05Z"


def pod(*sidecars, image="hub.example.com/team/nb:1", image_id=f"hub.example.com/team/nb@{DIGEST}", **spec):
    names = ("notebook", *sidecars)
    return {
        "kind": "Pod",
        "metadata": {"name": "jupyter-ada", "namespace": "hub", "uid": UID},
        "spec": {
            "nodeName": "node-7",
            "containers": [{"name": name, "image": image} for name in names],
            **spec,
        },
        "status": {
            "podIP": "10.1.2.3",
            "podIPs": [{"ip": "10.1.2.3"}, {"ip": "fd00::3"}],
            "containerStatuses": [
                {
                    "name": name,
                    "imageID": image_id,
                    "containerID": f"containerd://{ID if name == 'notebook' else 'ef' * 32}",
                    "state": {"running": {"startedAt": STARTED}},
                }
                for name in names
            ],
        },
    }


def mounts(container="notebook", uid=UID):
    return parse_mountinfo(
        f"9 8 8:1 /var/lib/kubelet/pods/{uid}/containers/{container}/1f /dev/termination-log rw - ext4 d rw"
    )


@pytest.mark.parametrize(
    ("image", "image_id", "expected"),
    [
        ("team/nb:1", f"docker-pullable://team/nb@{DIGEST}", (f"team/nb@{DIGEST}", True)),
        ("team/nb:1", f"docker.io/team/nb@{DIGEST}", (f"team/nb@{DIGEST}", True)),
        ("localhost:5000/nb", f"localhost:5000/nb@{DIGEST}", (f"localhost:5000/nb@{DIGEST}", True)),
        ("inside.example.com/nb:1", f"mirror.example.com/nb@{DIGEST}", (f"inside.example.com/nb@{DIGEST}", True)),
        (f"team/nb@{DIGEST}", "sha256:" + ID, (f"team/nb@{DIGEST}", True)),
        (f"team/nb:1@{DIGEST}", "", (f"team/nb:1@{DIGEST}", True)),
        ("team/nb:1", "sha256:" + ID, ("team/nb:1", False)),
        ("team/nb:1", f"docker://sha256:{ID}", ("team/nb:1", False)),
        ("team/nb:1", ID, ("team/nb:1", False)),
        ("team/nb:1", "", ("team/nb:1", False)),
    ],
)  # fmt: skip
def test_the_image_is_by_digest_where_a_registry_would_know_it(image, image_id, expected):
    """The id of a configuration is no digest that can be pulled; the repository is the pod's own."""
    assert image_by_digest(image, image_id) == expected


def test_a_pod_is_ours_by_its_uid_or_its_address():
    """An IP counts only where no uid is known: pods on the node's network share theirs."""
    assert is_our_pod(pod(), Inside(mounts=mounts()))
    assert not is_our_pod(pod(), Inside(mounts=mounts(uid=UID[::-1]), addresses=("10.1.2.3",)))
    assert is_our_pod(pod(), Inside(addresses=("fd00::3",)))
    assert not is_our_pod(pod(), Inside())
    host = pod()
    host["spec"]["hostNetwork"] = True
    assert not is_our_pod(host, Inside(addresses=("10.1.2.3",)))
    assert is_our_pod(host, Inside(mounts=mounts()))
    assert not is_our_pod({"metadata": {"uid": UID}}, Inside(addresses=("10.1.2.3",)))


def test_our_container_is_told_by_mount_by_id_or_by_being_alone():
    """With a sidecar beside it and nothing to tell them apart it stays open."""
    assert own_container(pod("proxy"), Inside(mounts=mounts("proxy"))) == "proxy"
    assert (
        own_container(pod("proxy"), Inside(cgroup=f"0::/kubepods/pod1/cri-containerd-{ID}.scope"))
        == "notebook"
    )
    assert own_container(pod(), Inside()) == "notebook"
    assert own_container(pod("proxy"), Inside()) == ""


def test_everything_that_executors_take_over_is_in_the_value():
    """Volumes come with their source."""
    manifest = pod(
        "proxy",
        securityContext={"runAsUser": 1, "fsGroup": 200},
        nodeSelector={"pool": "notebooks"},
        tolerations=[{"key": "user", "operator": "Exists"}],
        imagePullSecrets=[{"name": "hub-pull"}],
        serviceAccountName="ada",
        volumes=[{"name": "home", "persistentVolumeClaim": {"claimName": "claim-ada"}}],
    )
    ours = manifest["spec"]["containers"][0]
    ours["volumeMounts"] = [
        {"name": "home", "mountPath": "/home/ada/", "subPath": "ada"},
        {"name": "gone", "mountPath": "/gone", "readOnly": True},
    ]
    found = own_pod(manifest, "notebook")
    assert (found.name, found.uid, found.namespace) == ("jupyter-ada", UID, "hub")
    assert (found.image, found.by_digest) == (f"hub.example.com/team/nb@{DIGEST}", True)
    assert found.fs_group == 200
    assert (found.pull_secrets, found.service_account) == (("hub-pull",), "ada")
    assert (found.node_selector, found.tolerations[0]["key"]) == ({"pool": "notebooks"}, "user")
    assert found.container_started == STARTED
    assert [(m.path, m.claim, m.sub_path, m.read_only) for m in found.mounts] == [
        ("/home/ada", "claim-ada", "ada", False), ("/gone", "", "", True),
    ]  # fmt: skip


def test_a_pod_that_says_little_leaves_little():
    """Right after the start its status may lag behind."""
    manifest = pod()
    manifest["status"] = {}
    found = own_pod(manifest, "notebook")
    assert (found.image, found.by_digest) == ("hub.example.com/team/nb:1", False)
    assert (found.container_started, found.fs_group, found.pull_secrets) == ("", None, ())
