"""Finding the pod that this kernel runs in. The one place where facts about it are read.

Names are guesses (``HOSTNAME`` is the pod's name unless ``spec.hostname`` says otherwise or the pod uses the
node's network), so a pod counts as ours only when its uid is the one in the kubelet's mounts, or its IP is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from sparkk8s_nb.errors import ClusterError, RefusedError
from sparkk8s_nb.model.mountinfo import parse_mountinfo
from sparkk8s_nb.model.ownpod import Inside, OwnPod, is_our_pod, own_container, own_pod
from sparkk8s_nb.model.rights import role_rule
from sparkk8s_nb.ports import Cluster, Manifest

NAMES = ("POD_NAME", "MY_POD_NAME", "K8S_POD_NAME", "HOSTNAME")
"""Variables that hold a pod's name: by custom through the downward API, and what a container is given."""

BY_HAND = "or name the image by hand: --image REGISTRY/NAME:TAG."


def look_inside(environ: Mapping[str, str], *, proc: Path = Path("/proc/self")) -> Inside:
    """What this process knows of its own container.

    Parameters
    ----------
    environ : Mapping
    proc : Path
        For tests.
    """
    addresses = [
        address.address
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family.name in ("AF_INET", "AF_INET6")
    ]
    return Inside(
        names=tuple(dict.fromkeys(filter(None, (environ.get(name) for name in NAMES)))),
        addresses=tuple(each for each in addresses if not each.startswith(("127.", "::1", "fe80:"))),
        mounts=parse_mountinfo(_text(proc / "mountinfo")),
        cgroup=_text(proc / "cgroup"),
    )


def find_own_pod(cluster: Cluster, inside: Inside) -> OwnPod:
    """The pod that this process runs in.

    Parameters
    ----------
    cluster : Cluster
        In the pod's own namespace, which the service account's files name.
    inside : Inside

    Raises
    ------
    RefusedError
        If we may neither read pods there nor list them; says what to give by hand.
    ClusterError
        If no pod there is ours, or it cannot be told which of its containers is.

    Examples
    --------
    >>> find_own_pod(cluster, look_inside(os.environ)).image         # doctest: +SKIP
    'registry.example.com/team/notebook@sha256:...'
    """
    namespace = cluster.target.namespace
    try:
        pod = next((pod for pod in _candidates(cluster, inside) if is_our_pod(pod, inside)), None)
    except RefusedError as error:
        rule = role_rule("pods", ["get", "list"])
        raise RefusedError(
            f"We may not read this notebook's own pod in namespace {namespace}, so its image is not known.",
            fix=f"Ask the administrator for a Role there with the rule {rule}, {BY_HAND}",
        ) from error
    if pod is None:
        raise ClusterError(
            f"None of the pods in namespace {namespace} is the one that this notebook runs in.",
            fix=f"Set POD_NAME through the downward API (metadata.name), {BY_HAND}",
        )
    container = own_container(pod, inside)
    if not container:
        names = ", ".join(each["name"] for each in pod["spec"]["containers"])
        raise ClusterError(
            f"This notebook's pod has several containers ({names}), and which is this one cannot be told.",
            fix="Name the executors' image by hand: --image REGISTRY/NAME:TAG.",
        )
    return own_pod(pod, container)


def _candidates(cluster: Cluster, inside: Inside) -> Iterator[Manifest]:
    """Pods of the names we might have, then all."""
    refused: RefusedError | None = None
    for name in inside.names:
        try:
            if (pod := cluster.read("Pod", name)) is not None:
                yield pod
        except RefusedError as error:
            refused = error
            break
    try:
        yield from cluster.list("Pod")
    except RefusedError as error:
        raise refused or error from error


def _text(path: Path) -> str:
    """A file of ``/proc``; empty where there is none (macOS) or it is hidden from us."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
