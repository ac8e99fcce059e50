"""What is mounted where, as Linux tells a process of itself (``/proc/self/mountinfo``, proc(5))."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_ESCAPED = re.compile(r"\\([0-7]{3})")
_KUBELET = re.compile(r"/pods/(?P<uid>[0-9a-f-]{32,36})(?:/containers/(?P<container>[^/]+)/|/|$)")
_SYSTEM = ("/proc", "/sys", "/dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class MountPoint:
    """One mount.

    Parameters
    ----------
    path : str
        Where it is mounted.
    root : str
        Which directory of its filesystem is seen there.
    kind : str
        The filesystem's type: ``overlay``, ``ext4``, ``tmpfs``, ``nfs4``.
    """

    path: str
    root: str
    kind: str


def parse_mountinfo(text: str) -> tuple[MountPoint, ...]:
    """All mounts, in the kernel's order: of two at one path the later is seen.

    >>> parse_mountinfo("36 35 98:0 /mnt1 /my\\\\040data rw shared:1 - ext4 /dev/sda rw")[0].path
    '/my data'
    """
    found = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if separator and len(fields) >= 6 and rest:
            found.append(
                MountPoint(path=_unescaped(fields[4]), root=_unescaped(fields[3]), kind=_unescaped(rest[0]))
            )
    return tuple(found)


def mount_of(path: str, mounts: Iterable[MountPoint]) -> MountPoint | None:
    """The mount that a path lies on, if it is neither the root's nor the system's own.

    >>> mounts = parse_mountinfo("1 0 0:1 / / rw - overlay o rw\\n2 1 8:1 /v /home rw - ext4 /dev/sda rw")
    >>> mount_of("/home/ada/venv", mounts).path, mount_of("/usr/bin/python3", mounts)
    ('/home', None)
    """
    deepest: MountPoint | None = None
    for mount in mounts:
        if lies_in(path, mount.path) and (deepest is None or len(mount.path) >= len(deepest.path)):
            deepest = mount
    if deepest is None or deepest.path == "/" or any(lies_in(deepest.path, each) for each in _SYSTEM):
        return None
    return deepest


def lies_in(path: str, directory: str) -> bool:
    """Whether an absolute path is a directory, or below it.

    >>> lies_in("/data/x", "/data"), lies_in("/database", "/data")
    (True, False)
    """
    return PurePosixPath(path).is_relative_to(directory)


def kubelet_names(mounts: Sequence[MountPoint]) -> tuple[str, str]:
    """Uid of the pod and name of the container, as the kubelet's own mounts tell them; empty where they do not.

    The kubelet mounts a file of ``/var/lib/kubelet/pods/UID/containers/NAME/`` at the container's termination
    message path, and ``pods/UID/etc-hosts`` at ``/etc/hosts``. Volumes lie in ``pods/UID/volumes``.

    >>> line = "9 8 8:1 /kubelet/pods/{}/containers/nb/1f /dev/termination-log rw - ext4 /dev/sda rw"
    >>> kubelet_names(parse_mountinfo(line.format("0c9c62b4-7a3e-4d6b-9f0e-2a1b3c4d5e6f")))
    ('0c9c62b4-7a3e-4d6b-9f0e-2a1b3c4d5e6f', 'nb')
    """
    uid = container = ""
    for mount in mounts:
        if found := _KUBELET.search(mount.root):
            uid = uid or found["uid"]
            container = container or found["container"] or ""
    return uid, container


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
