"""A mount namespace of a pod's own. Standard library only: the shims import this.

What exists in it: the system's directories, the Python and Java installations (all read-only), a ``/tmp``,
``/run`` and ``/dev/shm`` of its own, and the pod's own directory. A file on the notebook's disk is not
there, and nothing that the pod writes outside its own directory reaches the disk. It keeps mistakes from
working by accident; it is no wall against a hostile program (which is root here).
"""

from __future__ import annotations

import os

from sparkk8s_nb import linux

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt")
_FRESH = ("/run", "/dev/shm")  # noqa: S108 (names inside the namespace)
_SCRATCH = ("/tmp", "/var/tmp")  # noqa: S108 (names inside the namespace)


def isolate(root: str, scratch: str, readable: list[str], writable: list[str]) -> None:
    """Enter a new mount namespace.

    Parameters
    ----------
    root : str
        An empty directory to build it on.
    scratch : str
        The directory that is its ``/tmp`` (on disk, not in memory).
    readable, writable : list of str
        Directories besides the system's that exist in it, at their own paths.

    Raises
    ------
    OSError
        Where the machine does not allow it (not root, no CAP_SYS_ADMIN).
    """
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=16m")
    for path in SYSTEM:
        _show(root, path, read_only=True)
    for path in ("/dev", "/proc"):
        _show(root, path, read_only=False)
    _show(root, "/sys", read_only=True)
    for path in _FRESH:
        os.makedirs(root + path, exist_ok=True)  # noqa: PTH103 (shims do not load pathlib)
        linux.mount("tmpfs", root + path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")
    os.chmod(scratch, 0o1777)  # noqa: PTH101, S103 (as above; its parent is 0700)
    for path in _SCRATCH:
        os.makedirs(root + path, exist_ok=True)  # noqa: PTH103 (as above)
        linux.mount(scratch, root + path, flags=linux.MS_BIND)
    # After /tmp: a virtual environment may lie in it.
    for path in readable:
        _show(root, path, read_only=True)
    for path in writable:
        os.makedirs(root + path, exist_ok=True)  # noqa: PTH103 (as above)
        linux.mount(path, root + path, flags=linux.MS_BIND)
    old = root + "/.old"
    os.mkdir(old)  # noqa: PTH102 (as above)
    linux.pivot_root(root, old)
    os.chdir("/")
    linux.unmount("/.old", linux.MNT_DETACH)
    os.rmdir("/.old")  # noqa: PTH106 (as above)
    linux.mount("none", "/", flags=linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY)


def _show(root: str, path: str, *, read_only: bool) -> None:
    """Make one directory of the machine visible at its own path (links as links)."""
    target = root + path
    if os.path.islink(path):  # noqa: PTH114 (as above)
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 (as above)
        if not os.path.lexists(target):
            os.symlink(os.readlink(path), target)  # noqa: PTH115, PTH211 (as above)
        return
    if not os.path.isdir(path) or os.path.ismount(target):  # noqa: PTH112 (as above)
        return
    os.makedirs(target, exist_ok=True)  # noqa: PTH103 (as above)
    linux.mount(path, target, flags=linux.MS_BIND | linux.MS_REC)
    if read_only:
        for mounted in _mounts_at(target):
            linux.mount("none", mounted, flags=linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY)


def _mounts_at(target: str) -> list[str]:
    """A directory that is a mount point, and the mount points inside it."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 (as above)
        points = [line.split()[4] for line in file]
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        points = [point.replace(escape, character) for point in points]
    return [point for point in points if point == target or point.startswith(target + "/")]
