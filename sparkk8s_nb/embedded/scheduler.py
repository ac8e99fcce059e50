"""Which pods fit on the node, and why the others do not. The decision is pure, the loop is small."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sparkk8s_nb.embedded import podstatus, quantities, resources, selectors
from sparkk8s_nb.embedded.events import Recorder
from sparkk8s_nb.embedded.objects import (
    Object,
    dig,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    version_of,
)
from sparkk8s_nb.embedded.store import Change, Store

Amounts = dict[str, Decimal]


def requests_of(pod: Object) -> Amounts:
    """What a pod asks of its node: the sum of its containers, or an init container that asks for more.

    >>> requests_of({"spec": {"containers": [{"resources": {"requests": {"cpu": "500m"}}}]}})["cpu"]
    Decimal('0.500')
    """
    spec = pod["spec"]
    total: Amounts = {}
    for container in spec.get("containers") or []:
        for name, value in (dig(container, "resources", "requests") or {}).items():
            total[name] = total.get(name, Decimal(0)) + quantities.parse(value)
    for container in spec.get("initContainers") or []:
        for name, value in (dig(container, "resources", "requests") or {}).items():
            total[name] = max(total.get(name, Decimal(0)), quantities.parse(value))
    for name, value in (spec.get("overhead") or {}).items():
        total[name] = total.get(name, Decimal(0)) + quantities.parse(value)
    return total


@dataclass(slots=True, kw_only=True)
class Room:
    """What is free on the node."""

    free: Amounts
    pods: int

    def take(self, wanted: Amounts) -> None:
        """A pod has moved in."""
        self.pods -= 1
        for name, amount in wanted.items():
            self.free[name] = self.free.get(name, Decimal(0)) - amount


def room(node: Object, pods: Iterable[Object]) -> Room:
    """What is free, given the pods of the node that have not ended."""
    allocatable = {name: quantities.parse(value) for name, value in node["status"]["allocatable"].items()}
    free = Room(pods=int(allocatable.pop("pods", Decimal(110))), free=allocatable)
    for pod in pods:
        if (
            dig(pod, "spec", "nodeName") == name_of(node)
            and dig(pod, "status", "phase") not in podstatus.TERMINAL
        ):
            free.take(requests_of(pod))
    return free


def obstacles(pod: Object, node: Object, free: Room) -> list[str]:
    """Why a pod does not fit on the node, worded as the real scheduler does; empty where it fits.

    Examples
    --------
    >>> node = {"metadata": {"name": "n"}, "spec": {}, "status": {}}
    >>> pod = {"metadata": {}, "spec": {"containers": [{"resources": {"requests": {"cpu": "2"}}}]}}
    >>> obstacles(pod, node, Room(free={"cpu": Decimal(1)}, pods=5))
    ['1 Insufficient cpu']
    """
    if dig(node, "spec", "unschedulable"):
        return ["1 node(s) were unschedulable"]
    if not _selects(pod, node):
        return ["1 node(s) didn't match Pod's node affinity/selector"]
    found = ["1 Too many pods"] if free.pods < 1 else []
    for name, amount in sorted(requests_of(pod).items()):
        if amount > free.free.get(name, Decimal(0)) and amount > 0:
            found.append(f"1 Insufficient {name}")
    return found


def _selects(pod: Object, node: Object) -> bool:
    labels = labels_of(node)
    wanted = pod["spec"].get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    required = dig(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(
        all(selectors.expression(each, labels) for each in term.get("matchExpressions") or [])
        and all(_field_fits(each, node) for each in term.get("matchFields") or [])
        for term in required.get("nodeSelectorTerms") or []
    )


def _field_fits(requirement: Object, node: Object) -> bool:
    return selectors.expression(requirement, {"metadata.name": name_of(node)})


def unbound_claim(pod: Object, claims: Iterable[str]) -> str | None:
    """Why the claims of a pod keep it waiting: nothing here ever binds one."""
    known = set(claims)
    for volume in pod["spec"].get("volumes") or []:
        claim = dig(volume, "persistentVolumeClaim", "claimName")
        if claim is not None:
            if claim not in known:
                return f'persistentvolumeclaim "{claim}" not found'
            return "pod has unbound immediate PersistentVolumeClaims"
    return None


def explain(reasons: list[str]) -> str:
    """The message of condition and event.

    >>> explain(["1 Insufficient cpu"])[:47]
    '0/1 nodes are available: 1 Insufficient cpu. pr'
    """
    listed = ", ".join(reasons)
    if any("Insufficient" in each or "Too many" in each for each in reasons):
        victims = "1 No preemption victims found for incoming pod"
    else:
        victims = "1 Preemption is not helpful for scheduling"
    return f"0/1 nodes are available: {listed}. preemption: 0/1 nodes are available: {victims}."


@dataclass(slots=True, kw_only=True, eq=False)
class Scheduler:
    """Assigns pods to the node, in the order of their creation."""

    store: Store
    recorder: Recorder
    clock: Callable[[], datetime]
    node: str
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def _changed(self, change: Change) -> None:
        if change.resource in (resources.PODS, resources.NODES, resources.CLAIMS):
            self._wake.set()

    async def run(self) -> None:
        """Schedule whenever something relevant has changed, until cancelled."""
        unsubscribe = self.store.subscribe(self._changed)
        try:
            while True:
                self._wake.clear()
                self.schedule()
                await self._wake.wait()
        finally:
            unsubscribe()

    def schedule(self) -> None:
        """Assign every pod that fits; say of the others why not."""
        pods = self.store.all(resources.PODS)
        waiting = [each for each in pods if not dig(each, "spec", "nodeName") and not is_deleting(each)]
        waiting = [each for each in waiting if each["spec"].get("schedulerName") == "default-scheduler"]
        node = self.store.find(resources.NODES, "", self.node)
        if not waiting or node is None:
            return
        free = room(node, pods)
        for pod in sorted(
            waiting, key=lambda each: (-int(each["spec"].get("priority") or 0), version_of(each))
        ):
            claims = [name_of(each) for each in self.store.all(resources.CLAIMS, namespace_of(pod))]
            claim = unbound_claim(pod, claims)
            if claim is not None:
                self._refuse(pod, explain([claim]))
            elif reasons := obstacles(pod, node, free):
                self._refuse(pod, explain(reasons))
            else:
                free.take(requests_of(pod))
                self._assign(pod)

    def _assign(self, pod: Object) -> None:
        status = dict(pod.get("status") or {})
        status["conditions"] = podstatus.set_condition(
            status.get("conditions") or [], "PodScheduled", "True", self.clock()
        )
        spec = {**pod["spec"], "nodeName": self.node}
        self.store.replace(resources.PODS, {**pod, "spec": spec, "status": status})
        message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {self.node}"
        self.recorder.record(resources.PODS, pod, "Scheduled", message)

    def _refuse(self, pod: Object, message: str) -> None:
        known: Object = next(
            (each for each in dig(pod, "status", "conditions") or [] if each["type"] == "PodScheduled"), {}
        )
        if known.get("status") == "False" and known.get("message") == message:
            return
        status = dict(pod.get("status") or {})
        status["conditions"] = podstatus.set_condition(
            status.get("conditions") or [],
            "PodScheduled",
            "False",
            self.clock(),
            reason="Unschedulable",
            message=message,
        )
        self.store.replace(resources.PODS, {**pod, "status": status})
        self.recorder.record(resources.PODS, pod, "FailedScheduling", message, warning=True)
