"""What a run has made on this machine, written down before it is made: no run leaves anything behind.

A run that ends by itself undoes everything in order. After one that was killed, the next one reads its
marker and removes what is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from sparkk8s_nb.localfiles import private_dir
from sparkk8s_nb.processes import ProcessId, identify, is_alive
from tests.cluster.provision.places import cache_dir

CGROUPS = Path("/sys/fs/cgroup")
LINKS = Path("/sys/class/net")
GONE_SECONDS = 20.0


class Run:
    """One run's directory, and the marker that lists what it made.

    Parameters
    ----------
    marker : Path
        One JSON object a line, the first one names the process whose run it is.
    """

    def __init__(self, marker: Path) -> None:
        self.marker = marker
        self._note("owner", identify().as_dict())
        self.directory = Path(tempfile.gettempdir(), f"sparkk8s-cluster-{secrets.token_hex(8)}")
        self._note("directory", str(self.directory))
        self.directory.mkdir(mode=0o700)

    @property
    def cgroup(self) -> str:
        """The name of the control group below which the run's pods live."""
        return f"sparkk8s-cluster-{os.getpid()}"

    def remember_process(self, process: ProcessId) -> None:
        """A process that may not outlive the run."""
        self._note("process", process.as_dict())

    def make_cgroup(self) -> str:
        """Make the run's control group in every hierarchy that this machine has; returns its name."""
        self._note("cgroup", self.cgroup)
        for hierarchy in hierarchies():
            (hierarchy / self.cgroup).mkdir(exist_ok=True)
        return self.cgroup

    def make_mount_point(self, path: Path) -> Path:
        """Make a directory that something is mounted on (in another namespace), if it is not there."""
        if not path.exists():
            self._note("mount point", str(path))
            path.mkdir()
        return path

    def remember_link(self, name: str) -> str:
        """A network link of this machine that leads into the run's own network; returns its name."""
        self._note("link", name)
        return name

    def _note(self, what: str, value: object) -> None:
        with self.marker.open("a") as file:
            file.write(json.dumps({what: value}) + "\n")
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def new_run() -> Iterator[Run]:
    """A run of this process; removes first what killed ones have left, and at the end what this one made."""
    markers = markers_dir()
    sweep(markers)
    handle, name = tempfile.mkstemp(dir=markers, suffix=".jsonl")
    os.close(handle)
    try:
        yield Run(Path(name))
    finally:
        undo(Path(name))


def markers_dir() -> Path:
    """Where the markers are."""
    return private_dir(cache_dir() / "runs")


def sweep(markers: Path) -> list[Path]:
    """Undo the runs whose process is gone; returns their markers."""
    swept = []
    for marker in sorted(markers.glob("*.jsonl")):
        owners = [ProcessId(**value) for what, value in notes(marker) if what == "owner"]
        # A marker without an owner is one that is being written just now, or was cut off before anything.
        if owners and not is_alive(owners[0]):
            undo(marker)
            swept.append(marker)
    return swept


def undo(marker: Path) -> None:
    """Remove everything that a marker lists, then the marker itself."""
    listed = list(notes(marker))
    processes = [ProcessId(**value) for what, value in listed if what == "process"]
    for process in processes:
        if is_alive(process):
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(process.pid).kill()
    _wait_gone(processes)
    with ExitStack() as removals:  # the last thing made goes first; one that fails does not keep the others
        for what, value in listed:
            match what:
                case "cgroup":
                    for hierarchy in hierarchies():
                        removals.callback(_remove_cgroup, hierarchy / value)
                case "link":
                    removals.callback(_remove_link, value)
                case "mount point":
                    removals.callback(_remove_directory, Path(value))
                case "directory":
                    removals.callback(shutil.rmtree, value, ignore_errors=not Path(value).exists())
    marker.unlink(missing_ok=True)


def hierarchies() -> list[Path]:
    """The control group hierarchies: one each for version 1's controllers, or the only one of version 2."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [path for path in CGROUPS.iterdir() if path.is_dir() and (path / "cgroup.procs").exists()]


def notes(marker: Path) -> Iterator[tuple[str, Any]]:
    """What a marker lists, in the order in which it was made."""
    for line in marker.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):  # the line that was being written
            yield from json.loads(line).items()


def _wait_gone(processes: list[ProcessId]) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while alive := [process.pid for process in processes if is_alive(process)]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"Processes of the cluster do not end: {alive}")
        time.sleep(0.02)


def _remove_directory(path: Path) -> None:
    """Remove an empty directory; a run can have been cut off just before it made it."""
    with contextlib.suppress(FileNotFoundError):
        path.rmdir()


def _remove_link(name: str) -> None:
    """Remove a link, unless it goes by itself with the network that it leads into."""
    subprocess.run(["ip", "link", "delete", name], check=False, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + GONE_SECONDS
    while (LINKS / name).exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"The network link {name} does not go")
        time.sleep(0.02)


def _remove_cgroup(top: Path) -> None:
    """Remove a control group with all below it, once the kernel has taken the dead processes out."""
    deadline = time.monotonic() + GONE_SECONDS
    while top.exists():
        below = sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True)
        try:
            for path in (*below, top):
                path.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
