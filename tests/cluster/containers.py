"""containerd with its images, which stay in the cache between runs: an import takes a quarter of a minute."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cleanup import Run
from tests.cluster.daemons import BrokenClusterError, Daemon, wait_until
from tests.cluster.namespaces import NodeNamespaces, run_command
from tests.cluster.provision import images
from tests.cluster.provision.oci import Image, image_by_digest, write_layout
from tests.cluster.provision.places import cache_dir

PARALLEL = 4
SOCKET = "/run/containerd/containerd.sock"
CONFIG = """\
version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper",
]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_apparmor = true
  # Below -0 needs CAP_SYS_RESOURCE, which not every machine gives to its root.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


@dataclass(frozen=True, kw_only=True)
class Containers:
    """A running containerd that has the images: a notebook's, and the same without our package."""

    namespaces: NodeNamespaces
    daemon: Daemon
    notebook: str
    python: str

    def ctr(self, *command: str) -> str:
        """Run containerd's own client."""
        return self.namespaces.run("ctr", f"--address={SOCKET}", "--namespace=k8s.io", *command)


def start_containers(run: Run, stack: ExitStack, namespaces: NodeNamespaces) -> Containers:
    """Start containerd and import the images that it does not have."""
    pause, python, notebook = images.pause_image(), images.python_image(), images.notebook_image()
    root = _take_root(stack)
    config = run.directory / "containerd.toml"
    config.write_text(CONFIG.format(root=root, socket=SOCKET, pause=pause.name, cni=run.directory / "cni"))
    daemon = Daemon(run, "containerd", ["containerd", f"--config={config}"], inside=namespaces.inside)
    stack.callback(daemon.stop)
    containers = Containers(namespaces=namespaces, daemon=daemon, notebook=notebook.name, python=python.name)
    wait_until(lambda: _answers(containers), 60, "containerd to answer", [daemon])
    stack.callback(_remove_containers, containers)
    _import(containers, [pause, python, notebook])
    return containers


def _take_root(stack: ExitStack) -> Path:
    """The first directory of this containerd's version that no other run uses; released with the stack."""
    version = run_command("containerd", "--version").split()[2]
    for number in range(1, PARALLEL + 1):
        root = cache_dir() / f"containerd-{version}-{number}"
        root.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((root / "lock").open("w"))
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return root
    raise BrokenClusterError(f"{PARALLEL} other node tiers run on this machine.")


def _answers(containers: Containers) -> bool:
    try:
        containers.ctr("version")
    except BrokenClusterError:
        return False  # not yet
    return True


def _import(containers: Containers, wanted: list[Image]) -> None:
    """Import what is missing, from below: a layer that came with an image before is not sent again."""
    there = set(containers.ctr("images", "ls", "-q").split())
    sent = {layer.digest for image in wanted if image.name in there for layer in image.layers}
    for image in wanted:
        if image.name in there:
            continue
        command = ["ctr", f"--address={SOCKET}", "--namespace=k8s.io", "images", "import", "-"]
        with subprocess.Popen(
            [*containers.namespaces.inside, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as importing:
            assert importing.stdin is not None
            assert importing.stderr is not None
            try:
                layers = [layer for layer in image.layers if layer.digest not in sent]
                write_layout(image, importing.stdin, layers)
            except BrokenPipeError:
                pass  # what the other end says is the better message
            importing.stdin.close()
            said = importing.stderr.read().decode()
        if importing.returncode:
            raise BrokenClusterError(f"The image {image.name} cannot be imported: {said}")
        sent |= {layer.digest for layer in image.layers}
    digests = {image_by_digest(image): image.name for image in wanted}
    for digest, name in digests.items():
        # Where an image was pulled, a pod's status has its digest.
        containers.ctr("images", "tag", "--force", name, digest)
    for name in there - digests.keys() - {*digests.values()}:
        if name.startswith("localhost/"):
            containers.ctr("images", "rm", name)


def _remove_containers(containers: Containers) -> None:
    """What the kubelet had no time to remove may not wait in the cache for the next run."""
    for container in containers.ctr("containers", "ls", "-q").split():
        if container in containers.ctr("tasks", "ls", "-q").split():
            containers.ctr("tasks", "rm", "--force", container)
        containers.ctr("containers", "rm", container)
