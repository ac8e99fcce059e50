"""Whether what a kernel runs on is in its image: executors have the image, and nothing else of its container.

A Python environment on a home volume, a pyspark that was installed by hand this morning: the kernel has them, an
executor of the same image has not, and fails with an error that names neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparkk8s_nb.model.diagnosis import YOU
from sparkk8s_nb.model.manifests import CONTAINER
from sparkk8s_nb.model.mountinfo import MountPoint, mount_of
from sparkk8s_nb.model.ownpod import OwnPod, PodMount, pod_mounts
from sparkk8s_nb.model.podmerge import merge_pods
from sparkk8s_nb.model.report import Finding, Grade
from sparkk8s_nb.model.timestamps import epoch

SLACK = 2.0
"""Seconds: the API tells a container's start in whole ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Something that kernel and executors both need.

    Parameters
    ----------
    name : str
        ``Python``, ``pyspark``, ``Java``.
    paths : tuple of str
        Where it really lies, links resolved: all of these must be there.
    changed : float
        When it was installed, seconds since the epoch; 0 where that is not known.
    """

    name: str
    paths: tuple[str, ...]
    changed: float = 0.0


def executor_mounts(templates: Iterable[Mapping[str, Any]]) -> tuple[PodMount, ...]:
    """The volumes that pod templates, merged in order, give the executor's container."""
    merged: dict[str, Any] = {}
    for template in templates:
        merged = merge_pods(merged, template)
    spec = merged.get("spec") or {}
    ours = [each for each in spec.get("containers") or [] if each.get("name") == CONTAINER]
    return pod_mounts(spec, ours[0]) if ours else ()


def shared_mounts(own: OwnPod, executors: Iterable[PodMount], *, namespace: str = "") -> tuple[PodMount, ...]:
    """The volumes that the notebook's container and the executors mount at the same path.

    Two ``emptyDir`` of one name are two directories, a path of a node is another on the next node, and a claim
    is another one in another namespace.

    Parameters
    ----------
    own : OwnPod
    executors : iterable of PodMount
    namespace : str
        The executors'; the notebook's own if not given.
    """
    kinds = _EVERYWHERE if _elsewhere(own, namespace) else _EVERYWHERE + _IN_A_NAMESPACE

    def what(mount: PodMount) -> tuple[str, str, str]:
        return mount.path, mount.sub_path, _identity(mount, kinds)

    theirs = {what(each) for each in executors if not _expanded(each)}
    return tuple(each for each in own.mounts if _identity(each, kinds) and what(each) in theirs)


def not_in_image(
    programs: Iterable[Program],
    mounts: Sequence[MountPoint],
    own: OwnPod,
    executors: Sequence[PodMount] = (),
    *,
    namespace: str = "",
) -> tuple[Finding, ...]:
    """What executors of the notebook's image would lack, each with what to do.

    Parameters
    ----------
    programs : iterable of Program
    mounts : sequence of MountPoint
        Of the kernel's process.
    own : OwnPod
    executors : sequence of PodMount
        What executors mount: a volume that they have too, at the same path, is no problem.
    namespace : str
        The executors'; the notebook's own if not given.
    """
    there = {each.path for each in shared_mounts(own, executors, namespace=namespace)}
    by_mount: dict[str, list[str]] = {}
    late: list[str] = []
    started = epoch(own.container_started)
    for program in programs:
        found = [mount.path for path in program.paths if (mount := mount_of(path, mounts)) is not None]
        if elsewhere := [path for path in found if path not in there]:
            by_mount.setdefault(elsewhere[0], []).append(program.name)
        elif not found and started and program.changed > started + SLACK:
            late.append(program.name)
    apart = _elsewhere(own, namespace)
    findings = [_on_a_volume(names, path, own, apart=apart) for path, names in by_mount.items()]
    if late:
        findings.append(
            _finding(
                f"This kernel's {_listed(late)} {_verb(late, 'was', 'were')} installed after its container started, "
                "so the image that executors run has not got it.",
                "Build an image that has it, or name one that does with --image.",
            )
        )
    return tuple(findings)


def _on_a_volume(names: Sequence[str], path: str, own: OwnPod, *, apart: bool) -> Finding:
    mount = next((each for each in own.mounts if each.path == path), None)
    volume = f"the volume {mount.volume} ({path})" if mount else f"what is mounted at {path}"
    mounted = "mount it there for executors too in --pod-template"
    if mount and mount.claim and not mount.sub_path and not apart:
        mounted = f"mount it there for executors too with --volume {mount.claim}:{path}:ro"
    return _finding(
        f"This kernel's {_listed(names)} {_verb(names, 'lies', 'lie')} on {volume}, which executors do not have.",
        f"Use one that is in the image, {mounted}, or name an image that has it with --image.",
    )


def _finding(detail: str, fix: str) -> Finding:
    return Finding(check="image", verdict=Grade.FAILURE, detail=detail, fix=fix, who=YOU)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _verb(names: Sequence[str], one: str, more: str) -> str:
    return one if len(names) == 1 else more


def _elsewhere(own: OwnPod, namespace: str) -> bool:
    """Whether executors run in another namespace than the notebook."""
    return bool(namespace) and namespace != own.namespace


def _expanded(mount: PodMount) -> bool:
    """Whether a part of the volume is chosen by the pod's own variables (``subPathExpr``): nobody knows which."""
    return "$(" in mount.sub_path


_EVERYWHERE = ("nfs", "cephfs")
"""Volumes that say where they are."""

_IN_A_NAMESPACE = ("persistentVolumeClaim", "azureFile", "glusterfs")
"""Volumes that name an object of the pod's namespace: a claim, a Secret, Endpoints."""


def _identity(mount: PodMount, kinds: Iterable[str]) -> str:
    """What a volume of these kinds is, wherever it is mounted; empty for one that each pod has for itself.

    That of a CSI driver that stands in the pod itself lives and dies with the pod (an ephemeral volume).
    """
    for kind in kinds:
        if source := mount.source.get(kind):
            named = {key: value for key, value in source.items() if key != "readOnly"}
            return f"{kind}:{sorted(named.items(), key=str)}"
    return ""
