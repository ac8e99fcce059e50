"""The pod that a notebook's kernel runs in: what the API and the process itself say of it, as one value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sparkk8s_nb.model.mountinfo import MountPoint, kubelet_names

Json = Mapping[str, Any]

_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a process in a container knows of itself without asking the API.

    Parameters
    ----------
    names : tuple of str
        What its pod may be called, likeliest first.
    addresses : tuple of str
        Its IP addresses.
    mounts : tuple of MountPoint
    cgroup : str
        ``/proc/self/cgroup``: with an old container runtime it holds the container's id.
    """

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    mounts: tuple[MountPoint, ...] = ()
    cgroup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodMount:
    """A volume that a container mounts.

    Parameters
    ----------
    path : str
        Where.
    volume : str
        The volume's name in its pod.
    source : Mapping
        The volume as the pod has it, without its name: ``{"persistentVolumeClaim": {"claimName": "home"}}``.
    sub_path : str
    read_only : bool
    """

    path: str
    volume: str
    source: Json = field(default_factory=lambda: MappingProxyType({}))
    sub_path: str = ""
    read_only: bool = False

    @property
    def claim(self) -> str:
        """Name of the PersistentVolumeClaim; empty for another kind of volume."""
        return str((self.source.get("persistentVolumeClaim") or {}).get("claimName") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPod:
    """The notebook's pod, and the container in it that this kernel runs in.

    Parameters
    ----------
    name, uid, namespace : str
    container : str
        The container's name.
    image : str
        What executors pull to have the same: by digest where that is known.
    by_digest : bool
        Whether ``image`` is by digest; a tag may mean another image by now.
    container_started : str
        When the container started, as the API says it (RFC 3339); empty where it does not say.
    service_account : str
    pull_secrets : tuple of str
    fs_group : int or None
        As the pod asks for it.
    node_selector : Mapping of str to str
    tolerations : tuple of Mapping
    mounts : tuple of PodMount
        Volumes that the container mounts.
    """

    name: str
    uid: str
    namespace: str
    container: str
    image: str
    by_digest: bool = False
    container_started: str = ""
    service_account: str = ""
    pull_secrets: tuple[str, ...] = ()
    fs_group: int | None = None
    node_selector: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tolerations: tuple[Json, ...] = ()
    mounts: tuple[PodMount, ...] = ()


def is_our_pod(pod: Json, inside: Inside) -> bool:
    """Whether a pod is the one that we are in: by the uid that the kubelet's mounts name, else by its IP.

    >>> pod = {"metadata": {"uid": "u"}, "status": {"podIPs": [{"ip": "10.1.2.3"}]}}
    >>> is_our_pod(pod, Inside(addresses=("10.1.2.3",))), is_our_pod(pod, Inside(addresses=("10.1.2.4",)))
    (True, False)
    """
    uid, _ = kubelet_names(inside.mounts)
    if uid:
        return bool(pod["metadata"].get("uid") == uid)
    if (pod.get("spec") or {}).get("hostNetwork"):
        return False  # all such pods of a node have its address
    status = pod.get("status") or {}
    addresses = {status.get("podIP"), *(each.get("ip") for each in status.get("podIPs") or [])}
    return not addresses.isdisjoint(inside.addresses)


def own_container(pod: Json, inside: Inside) -> str:
    """Name of the container that we are in; empty where several could be ours.

    By the kubelet's mounts, by the container's id in our cgroup or mounts, or because it is the only one.
    """
    names = [str(each["name"]) for each in pod["spec"]["containers"]]
    _, named = kubelet_names(inside.mounts)
    if named in names:
        return named
    told = "\n".join([inside.cgroup, *(mount.root for mount in inside.mounts)])
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        identity = str(status.get("containerID") or "").rpartition("://")[2]
        if identity and identity in told:
            return str(status["name"])
    return names[0] if len(names) == 1 else ""


def own_pod(pod: Json, container: str) -> OwnPod:
    """Read a pod as the API gives it, seen from one of its containers."""
    meta, spec = pod["metadata"], pod["spec"]
    ours = next(each for each in spec["containers"] if each["name"] == container)
    status = _status(pod, container)
    image, by_digest = image_by_digest(str(ours.get("image") or ""), str(status.get("imageID") or ""))
    return OwnPod(
        name=meta["name"],
        uid=meta["uid"],
        namespace=meta["namespace"],
        container=container,
        image=image,
        by_digest=by_digest,
        container_started=started_at(pod, container),
        service_account=str(spec.get("serviceAccountName") or ""),
        pull_secrets=tuple(str(each["name"]) for each in spec.get("imagePullSecrets") or []),
        fs_group=(spec.get("securityContext") or {}).get("fsGroup"),
        node_selector=MappingProxyType(dict(spec.get("nodeSelector") or {})),
        tolerations=tuple(spec.get("tolerations") or ()),
        mounts=pod_mounts(spec, ours),
    )


def started_at(pod: Json, container: str) -> str:
    """When a container that runs now started; empty where it does not run.

    >>> status = {"name": "nb", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    >>> started_at({"status": {"containerStatuses": [status]}}, "nb")
    '2026-01-01T00:00:00Z'
    """
    running = (_status(pod, container).get("state") or {}).get("running") or {}
    return str(running.get("startedAt") or "")


def image_by_digest(image: str, image_id: str) -> tuple[str, bool]:
    """The image of a running container as executors can pull it, and whether that is by digest.

    ``imageID`` in a container's status has several forms. The digest is taken from it; the repository from the
    pod's own ``image``, which is the one that its pull secrets and the cluster's policies are for.

    * ``docker-pullable://REPOSITORY@sha256:...`` (Docker), ``REPOSITORY@sha256:...`` (containerd, CRI-O): the
      digest that was pulled.
    * ``docker://sha256:...``, ``sha256:...`` or bare digits: the id of an image's *configuration*, known to this
      node alone (an image that was loaded instead of pulled). No registry answers to it: the tag stays.
    * a pod whose ``image`` names a digest itself: that one.

    >>> digest = "sha256:" + "0" * 64
    >>> image_by_digest("hub.example.com:5000/nb:1", f"docker-pullable://mirror/nb@{digest}")[0][:35]
    'hub.example.com:5000/nb@sha256:0000'
    >>> image_by_digest("team/nb:1", digest)
    ('team/nb:1', False)
    """
    if _DIGEST.search(image):
        return image, True
    found = _DIGEST.search(image_id)
    if not found or not image:
        return image, False
    path, slash, last = image.rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}@{found[1]}", True


def pod_mounts(spec: Json, container: Json) -> tuple[PodMount, ...]:
    """The volumes that a container mounts, each with its source."""
    sources = {
        volume["name"]: {key: value for key, value in volume.items() if key != "name"}
        for volume in spec.get("volumes") or []
    }
    return tuple(
        PodMount(
            path=str(mount["mountPath"]).rstrip("/") or "/",
            volume=str(mount["name"]),
            source=MappingProxyType(sources.get(mount["name"], {})),
            sub_path=str(mount.get("subPath") or mount.get("subPathExpr") or ""),
            read_only=bool(mount.get("readOnly")),
        )
        for mount in container.get("volumeMounts") or []
    )


def _status(pod: Json, container: str) -> Json:
    statuses: Sequence[Json] = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((each for each in statuses if each.get("name") == container), {})
