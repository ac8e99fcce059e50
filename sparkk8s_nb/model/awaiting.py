"""What a pending executor waits for and is going to get: an image on its way, a node that comes. Pure.

A pod's own status does not tell an image that is being pulled from a volume that cannot be mounted, nor a
node that comes from one that never will: the API's Events do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sparkk8s_nb.model.executors import PodEvent, PodView

PULLING = "Pulling"
"""The kubelet's word for an image on its way."""

NODE_COMING = "TriggeredScaleUp"
"""The cluster autoscaler's word for a node on its way."""

_CREATING = frozenset({"", "ContainerCreating", "PodInitializing", PULLING})
_IMAGE = re.compile(r'image "([^"]+)"')
_PULL_ENDS = frozenset({"Pulled", "Failed", "BackOff"})
_NODE_COMES = frozenset({NODE_COMING, "Nominated"})
_NODE_DOES_NOT = frozenset({"NotTriggerScaleUp", "FailedScaleUp"})
"""The cluster autoscaler's words; ``Nominated`` is Karpenter's."""


def awaited(pod: PodView, events: Sequence[PodEvent]) -> str:
    """Return ``Pulling`` or ``TriggeredScaleUp`` if the pod waits for an image or a node that comes, else "".

    Parameters
    ----------
    pod : PodView
    events : sequence of PodEvent
        What the API says of it, in any order.

    Examples
    --------
    >>> pod = PodView(name="p", uid="u", executor="1", node="n", reason="ContainerCreating")
    >>> awaited(pod, [PodEvent(reason="Pulling", message='Pulling image "spark:4.3"', at=1.0)])
    'Pulling'
    >>> awaited(pod, [])
    ''
    """
    if pod.phase != "Pending" or pod.deleting:
        return ""
    if pod.node:
        return PULLING if pod.reason in _CREATING and _pulls(events) else ""
    comes = _last(event for event in events if event.reason in _NODE_COMES)
    refused = _last(event for event in events if event.reason in _NODE_DOES_NOT)
    return NODE_COMING if comes > refused else ""


def _pulls(events: Sequence[PodEvent]) -> bool:
    """Whether an image's pull has begun and not ended; a pod may have several, one after the other."""
    begun = [event for event in events if event.reason == PULLING]
    return any(
        event.at > _last(end for end in events if end.reason in _PULL_ENDS and _image(end) == _image(event))
        for event in begun
    )


def _image(event: PodEvent) -> str:
    found = _IMAGE.search(event.message)
    return found[1] if found else ""


def _last(events: Iterable[PodEvent]) -> float:
    return max((event.at for event in events), default=-1.0)
