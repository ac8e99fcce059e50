"""What a process can learn from its own mounts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.model.mountinfo import kubelet_names, mount_of, parse_mountinfo

UID = "0c9c62b4-7a3e-4d6b-9f0e-2a1b3c4d5e6f"
POD = f"""\
714 612 0:88 / / rw,relatime master:200 - overlay overlay rw,lowerdir=/a:/b
715 714 0:90 / /proc rw,nosuid - proc proc rw
716 714 0:91 / /dev rw,nosuid - tmpfs tmpfs rw
721 714 8:1 /var/lib/kubelet/pods/{UID}/etc-hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw
722 716 8:1 /var/lib/kubelet/pods/{UID}/containers/notebook/5f3a9c21 /dev/termination-log rw - ext4 /dev/sda1 rw
723 714 0:95 /export/home/ada /home/ada rw,relatime - nfs4 server:/export rw
724 714 0:96 / /var/run/secrets/kubernetes.io/serviceaccount ro - tmpfs tmpfs rw
725 714 0:95 /x /mnt/my\\040data rw shared:3 master:4 - nfs4 server:/export rw
"""


def test_the_kubelets_mounts_name_pod_and_container():
    """Without any question to the API; where the kubelet has a disk of its own too."""
    assert kubelet_names(parse_mountinfo(POD)) == (UID, "notebook")
    assert kubelet_names(parse_mountinfo(POD.replace("/var/lib/kubelet", ""))) == (UID, "notebook")


def test_a_machine_without_a_kubelet_names_nothing():
    """A laptop, a plain container."""
    assert kubelet_names(parse_mountinfo("25 1 8:1 / / rw - ext4 /dev/sda1 rw")) == ("", "")
    assert kubelet_names(()) == ("", "")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/ada/venv/bin/python", "/home/ada"),
        ("/home/adam", None),
        ("/usr/bin/python3", None),
        ("/dev/shm/x", None),
        ("/proc/1", None),
        ("/mnt/my data/x", "/mnt/my data"),
    ],
)
def test_a_path_lies_on_the_deepest_mount_above_it(path, expected):
    """The image's own layers, and the system's mounts, are no volume."""
    found = mount_of(path, parse_mountinfo(POD))
    assert (found.path if found else None) == expected


def test_of_two_mounts_at_one_path_the_later_is_seen():
    """One lies over the other."""
    text = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 /old /d rw - ext4 b rw\n3 1 8:3 /new /d rw - xfs c rw"
    found = mount_of("/d/file", parse_mountinfo(text))
    assert found is not None
    assert (found.root, found.kind) == ("/new", "xfs")


@given(st.text(max_size=300))
def test_no_text_makes_it_crash(text):
    """The kernel's format may grow."""
    kubelet_names(parse_mountinfo(text))
