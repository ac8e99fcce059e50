"""A pod's status, computed from what its containers do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sparkk8s_nb.embedded.objects import Object, timestamp

TERMINAL = ("Succeeded", "Failed")


@dataclass(slots=True, kw_only=True)
class ContainerRun:
    """What is known about one container. ``state`` is its ``ContainerState``."""

    name: str
    image: str
    state: dict[str, Any] = field(default_factory=lambda: waiting("ContainerCreating"))
    last_state: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    container_id: str = ""

    @property
    def is_running(self) -> bool:
        """Whether its main process runs."""
        return "running" in self.state

    @property
    def exit_code(self) -> int | None:
        """Its exit code once it has ended for good."""
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    def shown(self, *, init: bool = False) -> dict[str, Any]:
        """As a ``ContainerStatus``."""
        return {
            "name": self.name,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.exit_code == 0 if init else self.is_running,
            "restartCount": self.restarts,
            "image": self.image,
            "imageID": self.image,
            "containerID": self.container_id,
            "started": self.is_running,
        }


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """The state of a container that does not run yet.

    >>> waiting("ContainerCreating")
    {'waiting': {'reason': 'ContainerCreating'}}
    """
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running(since: datetime) -> dict[str, Any]:
    """The state of a container that runs."""
    return {"running": {"startedAt": timestamp(since)}}


def terminated(
    code: int,
    reason: str,
    *,
    started: str | None,
    finished: datetime,
    message: str = "",
    container_id: str = "",
) -> dict[str, Any]:
    """The state of a container that has ended."""
    state: dict[str, Any] = {"exitCode": code, "reason": reason}
    if message:
        state["message"] = message
    state["startedAt"] = started or timestamp(finished)
    state["finishedAt"] = timestamp(finished)
    if container_id:
        state["containerID"] = container_id
    return {"terminated": state}


def phase(containers: list[ContainerRun], inits: list[ContainerRun], policy: str) -> str:
    """The pod's phase.

    >>> ended = terminated(1, "Error", started="", finished=datetime(2030, 1, 1))
    >>> done = ContainerRun(name="a", image="i", state=ended)
    >>> phase([done], [], "Never"), phase([done], [], "OnFailure")
    ('Failed', 'Running')
    """
    if any((each.exit_code or 0) != 0 for each in inits) and policy == "Never":
        return "Failed"
    if any(each.exit_code is None or each.exit_code != 0 for each in inits):
        return "Pending"
    codes = [each.exit_code for each in containers]
    if all(code is not None for code in codes):
        if policy == "Never":
            return "Failed" if any(codes) else "Succeeded"
        if policy == "OnFailure" and not any(codes):
            return "Succeeded"
        return "Running"
    if any(each.is_running or each.exit_code is not None or each.restarts for each in containers):
        return "Running"
    return "Pending"


def set_condition(
    conditions: list[Object],
    kind: str,
    value: str,
    now: datetime,
    *,
    reason: str = "",
    message: str = "",
) -> list[Object]:
    """Conditions with one of them set; the time changes only with the value.

    >>> set_condition([], "Ready", "True", datetime(2030, 1, 1))[0]["status"]
    'True'
    """
    old = next((each for each in conditions if each["type"] == kind), None)
    since = old["lastTransitionTime"] if old and old["status"] == value else timestamp(now)
    new: Object = {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": since}
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    return [each for each in conditions if each["type"] != kind] + [new]


def conditions(
    known: list[Object],
    containers: list[ContainerRun],
    inits: list[ContainerRun],
    in_phase: str,
    now: datetime,
) -> list[Object]:
    """All conditions that the kubelet maintains."""
    initialized = all(each.exit_code == 0 for each in inits)
    unready = [each.name for each in containers if not each.is_running]
    why, what = "", ""
    if in_phase == "Succeeded":
        why = "PodCompleted"
    elif in_phase == "Failed":
        why = "PodFailed"
    elif unready:
        why, what = "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    result = set_condition(
        known, "PodReadyToStartContainers", "False" if in_phase in TERMINAL else "True", now
    )
    if initialized:
        done = "PodCompleted" if in_phase == "Succeeded" else ""
        result = set_condition(result, "Initialized", "True", now, reason=done)
    else:
        names = " ".join(each.name for each in inits if each.exit_code != 0)
        result = set_condition(
            result,
            "Initialized",
            "False",
            now,
            reason="ContainersNotInitialized",
            message=f"containers with incomplete status: [{names}]",
        )
    ready = "False" if why else "True"
    for kind in ("Ready", "ContainersReady"):
        result = set_condition(result, kind, ready, now, reason=why, message=what)
    return result


def build(
    old: Object,
    *,
    containers: list[ContainerRun],
    inits: list[ContainerRun],
    policy: str,
    ip: str,
    host_ip: str,
    now: datetime,
    forced_phase: str = "",
    reason: str = "",
    message: str = "",
) -> Object:
    """The whole status of a pod that is on the node."""
    in_phase = forced_phase or phase(containers, inits, policy)
    new: Object = {
        **{key: value for key, value in old.items() if key not in ("reason", "message")},
        "phase": in_phase,
        "conditions": conditions(old.get("conditions") or [], containers, inits, in_phase, now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": old.get("startTime") or timestamp(now),
        "containerStatuses": [each.shown() for each in containers],
    }
    if inits:
        new["initContainerStatuses"] = [each.shown(init=True) for each in inits]
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    return new
