"""The notebook's own pod, for a start in the cluster that the notebook itself runs in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparkk8s_nb.errors import ClusterError, ConnectError, StartError
from sparkk8s_nb.kube.lease import owner_reference
from sparkk8s_nb.kube.ownpod import find_own_pod, look_inside
from sparkk8s_nb.model.imagecheck import Program, executor_mounts, not_in_image, shared_mounts
from sparkk8s_nb.model.inherited import inherited_template, not_inherited
from sparkk8s_nb.model.mountinfo import MountPoint, lies_in
from sparkk8s_nb.model.ownpod import OwnPod, PodMount
from sparkk8s_nb.model.spec import SharedPaths, TargetKind
from sparkk8s_nb.ports import Cluster
from sparkk8s_nb.service_account import own_namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookPod:
    """What a start knows of the notebook's pod.

    Parameters
    ----------
    pod : OwnPod or None
        None outside a pod, and where it could not be read.
    warnings : tuple of str
        What executors go without because of it.
    """

    pod: OwnPod | None = None
    warnings: tuple[str, ...] = ()

    def runs(self, image: str) -> bool:
        """Whether ``image`` is the one that this kernel's own container runs."""
        return self.pod is not None and self.pod.image == image

    def lease_owner(self, namespace: str) -> dict[str, Any] | None:
        """The ownerReference to the pod for a Lease in ``namespace``.

        None in another namespace than the pod's: an owner there counts as absent, and the cluster's collector
        would delete the session at once.
        """
        if self.pod is None or self.pod.namespace != namespace:
            return None
        metadata = {"name": self.pod.name, "uid": self.pod.uid}
        return owner_reference({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})

    def shared_paths(
        self, executors: Sequence[PodMount], said: Iterable[str], *, namespace: str
    ) -> SharedPaths:
        """Local paths that executors in ``namespace`` share with this kernel: volumes of both, and those said.

        What is said holds for all that is below it; of volumes the innermost decides, and it may be of one side only.
        """
        told = tuple(dict.fromkeys(said))
        if self.pod is None:
            return SharedPaths(shared=told)
        both = [mount.path for mount in shared_mounts(self.pod, executors, namespace=namespace)]
        others = {mount.path for mount in (*self.pod.mounts, *executors)}.difference(both)
        apart = [
            path
            for path in sorted(others)
            if any(lies_in(path, shared) for shared in both) and not any(lies_in(path, each) for each in told)
        ]
        return SharedPaths(shared=tuple(dict.fromkeys([*told, *both])), apart=tuple(apart))

    def templates(self, namespace: str) -> Sequence[dict[str, Any]]:
        """What executors in ``namespace`` take over from the pod, as pod templates."""
        return [] if self.pod is None else [inherited_template(self.pod, namespace)]


def check_image(
    notebook: NotebookPod,
    programs: Iterable[Program],
    templates: Iterable[Mapping[str, Any]],
    mounts: Sequence[MountPoint],
    *,
    namespace: str,
) -> None:
    """Refuse a start whose executors would lack what this kernel runs on.

    Parameters
    ----------
    notebook : NotebookPod
    programs : iterable of Program
    templates : iterable of Mapping
        The executors' pod templates in order: what they mount counts.
    mounts : sequence of MountPoint
        Of this process.
    namespace : str
        The executors'.

    Raises
    ------
    StartError
    """
    if notebook.pod is None:
        return
    executors = executor_mounts(templates)
    findings = not_in_image(programs, mounts, notebook.pod, executors, namespace=namespace)
    if findings:
        raise StartError(
            " ".join(finding.detail for finding in findings),
            fix=" ".join(dict.fromkeys(finding.fix for finding in findings)),
        )


def notebook_pod(cluster: Cluster, *, image: str, environ: Mapping[str, str]) -> NotebookPod:
    """Find the notebook's pod, if the session goes to the cluster that the pod is in.

    Parameters
    ----------
    cluster : Cluster
        Where the session goes.
    image : str
        The executors' image where one was named: then a pod that cannot be read is only a warning.
    environ : Mapping

    Raises
    ------
    ClusterError
        If the pod cannot be found and no image was named.
    """
    target = cluster.target
    if target.kind is not TargetKind.IN_CLUSTER:
        return NotebookPod()
    try:
        own = find_own_pod(cluster.in_namespace(own_namespace()), look_inside(environ))
    except ConnectError:
        raise
    except ClusterError as error:
        if not image:
            raise
        lost = "Its pull secrets, node selector and tolerations are not taken over."
        return NotebookPod(warnings=(f"{error.problem} {lost}",))
    warnings = [not_inherited(own, target.namespace)]
    if not image and not own.by_digest:
        warnings.append(
            f"The digest of this notebook's image is not known: executors get {own.image} by its tag."
        )
    return NotebookPod(pod=own, warnings=tuple(filter(None, warnings)))
