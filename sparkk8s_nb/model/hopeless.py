"""What keeps a pending executor for good, by the words of kubelet, registry and scheduler. Pure.

A start need not wait for what cannot come: an image that is not there, a registry that does not let us in, a
Secret that nobody has made. A registry that does not answer, or a node that is out of disk, may pass: whoever
waits for that goes on waiting. Where the words leave a doubt, there is hope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sparkk8s_nb.model.executors import PodEvent, PodView
from sparkk8s_nb.model.reasons import short


class Obstacle(StrEnum):
    """What does not pass by waiting."""

    NO_IMAGE = "no image"
    NO_ACCESS = "no access"
    NO_PULL_SECRET = "no pull secret"  # noqa: S105 (what lacks, not what it is)
    BAD_NAME = "bad name"
    NEVER_PULLED = "never pulled"
    NO_OBJECT = "no object"
    ROOT = "root"

    @property
    def fix(self) -> str:
        """What to do about it."""
        return _FIXES[self]

    @property
    def may_be_late(self) -> bool:
        """Whether it is something that the cluster may just not have heard of yet."""
        return self is Obstacle.NO_OBJECT


_FIXES: Mapping[Obstacle, str] = {
    Obstacle.NO_IMAGE: "Check the image's name, tag and platform: --image.",
    Obstacle.NO_ACCESS: "Check the image's name (--image), and that the pod template or the namespace's service "
    "account names a pull secret for it.",
    Obstacle.NO_PULL_SECRET: "Make that pull secret in the executors' namespace, or name another in the pod "
    "template (--pod-template).",
    Obstacle.BAD_NAME: "Write the image as REGISTRY/NAME:TAG, in small letters: --image.",
    Obstacle.NEVER_PULLED: "Have the image put on the nodes, or let them pull it (imagePullPolicy in the pod "
    "template).",
    Obstacle.NO_OBJECT: "Make it in the executors' namespace, or name another: --secret, --volume, --pod-template.",
    Obstacle.ROOT: "Name a numeric user in the pod template (runAsUser), or use another image: --image.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hopeless:
    """Why an executor does not start, for good.

    Parameters
    ----------
    obstacle : Obstacle
    reason : str
        In plain words, with those of the cluster.
    """

    obstacle: Obstacle
    reason: str


_PULL_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff"})
_CREATING = frozenset({"", "ContainerCreating", "PodInitializing"})
_MOUNTED = frozenset({"Pulling", "Pulled", "Created", "Started"})

_MAY_PASS = re.compile(
    r"time ?out|timed out|deadline exceeded|connection refused|reset by peer|unreachable|no such host"
    r"|server misbehaving|no route to host|dial tcp|\bEOF\b|\bTLS\b|\bx509\b|temporar|try again"
    r"|too ?many ?requests|no space left|\b(429|500|502|503|504) [A-Z]",
    re.IGNORECASE,
)
_NO_ACCESS = re.compile(
    r"pull access denied|authorization failed|authentication required|no basic auth credentials"
    r"|\bunauthorized\b|\b401 Unauthorized|\b403 Forbidden|access to the resource is denied|: denied:",
    re.IGNORECASE,
)
_NO_IMAGE = re.compile(
    r": not found|manifest unknown|name unknown|no match for platform|no matching manifest", re.IGNORECASE
)
_QUOTED = re.compile(r'"[^"]*"')
_NO_OBJECT = re.compile(
    r'(?:secret|configmap|persistentvolumeclaim) "[^"]+" not found'
    r"|references non-existent (?:secret|config) key: \S+"
    r"|couldn't find key \S+ in (?:Secret|ConfigMap) \S+"
)
_PULL_SECRETS = re.compile(r"image pull secrets \(([^)]+)\)")


def hopeless(pod: PodView, events: Sequence[PodEvent] = ()) -> Hopeless | None:
    """Return what keeps a pending pod for good, or None while there is hope.

    Parameters
    ----------
    pod : PodView
    events : sequence of PodEvent
        What the API says of it, in any order.

    Examples
    --------
    >>> pod = PodView(name="p", uid="u", executor="1", node="n", reason="ErrImagePull",
    ...     message='failed to resolve reference "r/spark:9": r/spark:9: not found')
    >>> hopeless(pod).obstacle.fix
    "Check the image's name, tag and platform: --image."
    """
    if pod.phase != "Pending" or pod.deleting:
        return None
    said = " ".join(pod.message.split())
    match pod.reason:
        case "InvalidImageName":
            return Hopeless(obstacle=Obstacle.BAD_NAME, reason=f"its image's name is none: {short(said)}")
        case "ErrImageNeverPull":
            return Hopeless(
                obstacle=Obstacle.NEVER_PULLED, reason=f"its image is not on the node: {short(said)}"
            )
        case "CreateContainerConfigError":
            return _config(said)
        case "Unschedulable":
            return _absent(said, "its volume is not there")
        case reason if reason in _PULL_REASONS:
            return _pull(said, events)
        case reason if reason in _CREATING and pod.node:
            return _mount(events)
    return None


def _pull(said: str, events: Sequence[PodEvent]) -> Hopeless | None:
    """An image that cannot be pulled; older kubelets tell why only in their Events."""
    failed = _newest(events, "Failed", "Failed to pull image")
    words = said if _certain_pull(said) else " ".join(failed.message.split()) if failed is not None else said
    obstacle = _certain_pull(words)
    if obstacle is None:
        return None
    lacking = _lacking_pull_secret(events)
    if obstacle is Obstacle.NO_ACCESS and lacking:
        return Hopeless(obstacle=Obstacle.NO_PULL_SECRET, reason=f"its image cannot be pulled{lacking}")
    return Hopeless(obstacle=obstacle, reason=_pull_failure(words, lacking))


def pull_failure(pod: PodView, events: Sequence[PodEvent]) -> str:
    """Why an image could not be pulled so far, where it may yet be."""
    said = " ".join(pod.message.split()) or pod.reason
    return _pull_failure(said, _lacking_pull_secret(events))


def _pull_failure(said: str, lacking: str) -> str:
    return f"its image cannot be pulled: {short(_last_words(said))}{lacking}"


def _lacking_pull_secret(events: Sequence[PodEvent]) -> str:
    """What is to be added to a pull's failure: the kubelet goes on without a Secret that it does not find.

    A registry that shows images to those alone who may pull them says "not found" to others.
    """
    told = _newest(events, "FailedToRetrieveImagePullSecret")
    found = _PULL_SECRETS.search(told.message) if told is not None else None
    return f", and the pull secret {found[1]} is not there" if found is not None else ""


def _certain_pull(said: str) -> Obstacle | None:
    # An image's name may hold any of the words.
    words = _QUOTED.sub('""', said)
    if _MAY_PASS.search(words):
        return None
    if _NO_ACCESS.search(words):
        return Obstacle.NO_ACCESS
    return Obstacle.NO_IMAGE if _NO_IMAGE.search(words) else None


def _last_words(said: str) -> str:
    """What containerd says after all that it wraps around it: ``r/spark:9: not found``.

    >>> _last_words('rpc error: code = NotFound desc = failed to pull and unpack image "r/s:9": failed to resolve '
    ...     'reference "r/s:9": r/s:9: not found')
    'r/s:9: not found'
    """
    return re.split(r'failed to (?:resolve reference|copy|do request) "[^"]*": |desc = ', said)[-1].rstrip(
        " ."
    )


def _config(said: str) -> Hopeless | None:
    if "runAsNonRoot" in said:
        return Hopeless(obstacle=Obstacle.ROOT, reason=f"its container cannot be made: {short(said)}")
    return _absent(said, "its container cannot be made")


def _mount(events: Sequence[PodEvent]) -> Hopeless | None:
    """A volume of an object that is not there; one that came late was mounted, and the kubelet has gone on."""
    failed = _newest(events, "FailedMount")
    if failed is None or any(event.reason in _MOUNTED and event.at >= failed.at for event in events):
        return None
    return _absent(" ".join(failed.message.split()), "its volumes cannot be mounted")


def _absent(said: str, what: str) -> Hopeless | None:
    found = _NO_OBJECT.search(said)
    return None if found is None else Hopeless(obstacle=Obstacle.NO_OBJECT, reason=f"{what}: {found[0]}")


def _newest(events: Sequence[PodEvent], reason: str, begins: str = "") -> PodEvent | None:
    of_kind = [event for event in events if event.reason == reason and event.message.startswith(begins)]
    return max(of_kind, key=lambda event: event.at, default=None)
