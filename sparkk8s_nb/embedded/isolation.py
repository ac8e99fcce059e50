"""A mount namespace of a pod's own. Standard library only: the shims import this.

What exists in it: the system's directories, the Python and Java installations (all read-only), fresh
``/tmp``, ``/run`` and ``/dev/shm``, and the pod's own directory. A file on the notebook's disk is not
there, and nothing that the pod writes outside its own directory reaches the disk. It keeps mistakes from
working by accident; it is no wall against a hostile program (which is root here).
"""

from __future__ import annotations

import os

from sparkk8s_nb.embedded import linux

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt")
_FRESH = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108 (names inside the namespace)


def isolate(root: str, readable: list[str], writable: list[str]) -> None:
    """Enter a new mount namespace.

    Parameters
    ----------
    root : str
        An empty directory to build it on.
    readable, writable : list of str
        Directories besides the system's that exist in it, at their own paths.

    Raises
    ------
    OSError
        Where the machine does not allow it (not root, no CAP_SYS_ADMIN).
    """
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=64m")
    for path in (*SYSTEM, *readable):
        _show(root, path, read_only=True)
    for path in ("/dev", "/proc"):
        _show(root, path, read_only=False)
    _show(root, "/sys", read_only=True)
    for path in _FRESH:
        target = root + path
        os.makedirs(target, exist_ok=True)  # noqa: PTH103 (shims do not load pathlib)
        linux.mount("tmpfs", target, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")
    for path in writable:
        _show(root, path, read_only=False)
    old = root + "/.old"
    os.mkdir(old)  # noqa: PTH102 (as above)
    linux.pivot_root(root, old)
    os.chdir("/")
    linux.unmount("/.old", linux.MNT_DETACH)
    os.rmdir("/.old")  # noqa: PTH106 (as above)


def _show(root: str, path: str, *, read_only: bool) -> None:
    """Make one directory of the machine visible at its own path (links as links)."""
    target = root + path
    if os.path.islink(path):  # noqa: PTH114 (as above)
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 (as above)
        os.symlink(os.readlink(path), target)  # noqa: PTH115, PTH211 (as above)
        return
    if not os.path.isdir(path) or os.path.ismount(target):  # noqa: PTH112 (as above)
        return
    os.makedirs(target, exist_ok=True)  # noqa: PTH103 (as above)
    linux.mount(path, target, flags=linux.MS_BIND | linux.MS_REC)
    if read_only:
        linux.mount("none", target, flags=linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY)
