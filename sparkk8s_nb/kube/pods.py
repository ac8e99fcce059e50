"""Executor pods: what a pod's object says in one small value, and pods followed as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.kube.podlog import EXECUTOR_CONTAINER
from sparkk8s_nb.kube.watch import Backoff, Change, Follower, Lost, Snapshot, WatchEvent, WatchSource
from sparkk8s_nb.model.fleet import FleetEvent, Listed, PodGone, PodSeen, PodView, WatchLost
from sparkk8s_nb.model.labels import SPARK_EXECUTOR_ID, SPARK_MARK
from sparkk8s_nb.model.quantities import parse_kubernetes_cpu, parse_kubernetes_memory
from sparkk8s_nb.model.timestamps import epoch
from sparkk8s_nb.ports import Manifest, Stop

Json = Mapping[str, Any]

SPARK_INACTIVE = "spark-exec-inactive"
"""The label that Spark puts on an executor's pod once it has seen its end."""


def pod_view(manifest: Manifest) -> PodView:
    """What a pod's object says, in a few fields.

    ``reason`` and ``message`` are of the first that applies: how its container ended, why the pod failed
    as a whole (``Evicted``), what a container waits for, why the scheduler found no node.

    Examples
    --------
    >>> pod_view({
    ...     "metadata": {"name": "p", "uid": "u", "labels": {"spark-exec-id": "1"}},
    ...     "status": {"phase": "Pending", "conditions": [{
    ...         "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
    ...         "message": "0/1 nodes are available: 1 Insufficient cpu."}]},
    ... }).message
    '0/1 nodes are available: 1 Insufficient cpu.'
    """
    metadata, spec, status = (manifest.get(part) or {} for part in ("metadata", "spec", "status"))
    labels = metadata.get("labels") or {}
    main = _main_container(spec.get("containers") or [])
    reason, message = _why(status, main.get("name", EXECUTOR_CONTAINER))
    resources = main.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    return PodView(
        name=str(metadata.get("name", "")),
        uid=str(metadata.get("uid", "")),
        executor=str(labels.get(SPARK_EXECUTOR_ID, "")),
        phase=str(status.get("phase") or "Pending"),
        deleting=bool(metadata.get("deletionTimestamp")),
        reason=reason,
        message=message,
        exit_code=_exit_code(status, main.get("name", EXECUTOR_CONTAINER)),
        node=str(spec.get("nodeName") or ""),
        ip=str(status.get("podIP") or ""),
        cpu_millis=_quantity(parse_kubernetes_cpu, requests.get("cpu") or limits.get("cpu")),
        memory=_quantity(parse_kubernetes_memory, limits.get("memory") or requests.get("memory")),
        created=epoch(metadata.get("creationTimestamp")),
        marked=(metadata.get("labels") or {}).get(SPARK_MARK) == "true",
    )


class KubePodSource:
    """Follows the pods that a label selector chooses.

    Parameters
    ----------
    cluster : WatchSource
        In real life a :class:`~sparkk8s_nb.kube.gateway.KubeCluster`.
    now : callable
        Seconds since the epoch.
    backoff : Backoff, optional
    """

    def __init__(
        self,
        cluster: WatchSource,
        *,
        now: Callable[[], float] = time.time,
        backoff: Backoff | None = None,
    ) -> None:
        self._cluster = cluster
        self._now = now
        self._backoff = backoff

    def events(self, selector: str, stop: Stop) -> Iterator[FleetEvent]:
        """Yield pod events until ``stop``: a Listed first, and again after every loss; never raises."""
        follower = Follower(self._cluster, "Pod", selector, backoff=self._backoff)
        for event in follower.events(stop):
            yield self._fleet_event(event)

    def _fleet_event(self, event: WatchEvent) -> FleetEvent:
        at = self._now()
        match event:
            case Snapshot(objects=objects):
                return Listed(pods=tuple(pod_view(pod) for pod in objects), at=at)
            case Change(type="DELETED", object=pod):
                return PodGone(pod=pod_view(pod), at=at)
            case Change(object=pod):
                return PodSeen(pod=pod_view(pod), at=at)
            case Lost(problem=problem):
                return WatchLost(problem=problem, at=at)


def _main_container(containers: Sequence[Json]) -> Json:
    """Spark's own container, else the first: an admission webhook may have put a sidecar before it."""
    named = [container for container in containers if container.get("name") == EXECUTOR_CONTAINER]
    return (named or list(containers) or [{}])[0]


def _why(status: Json, main: str) -> tuple[str, str]:
    """Reason and message."""
    main_state = _state(status.get("containerStatuses"), main)
    ended = main_state.get("terminated") or {}
    if status.get("reason"):  # of the pod as a whole: Evicted, NodeLost, DeadlineExceeded
        return str(status["reason"]), str(status.get("message") or "")
    if ended and (ended.get("exitCode") or ended.get("reason") not in (None, "Completed")):
        return str(ended.get("reason") or "Error"), str(ended.get("message") or "").strip()
    for container in status.get("initContainerStatuses") or []:
        stuck = _stuck(container.get("state") or {})
        if stuck is not None:
            return stuck[0], f"init container {container.get('name', '')}: {stuck[1]}".rstrip(": ")
    waiting = main_state.get("waiting") or {}
    if waiting.get("reason"):
        return str(waiting["reason"]), str(waiting.get("message") or "")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("reason") or ""), str(condition.get("message") or "")
    if ended:
        return str(ended.get("reason") or ""), ""
    return "", ""


def _stuck(state: Json) -> tuple[str, str] | None:
    """Why an init container holds the pod up; None if it does not."""
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if ended.get("exitCode"):
        message = str(ended.get("message") or "").strip()
        return str(ended.get("reason") or "Error"), message or f"exit code {ended['exitCode']}"
    if waiting.get("reason") not in (None, "PodInitializing"):
        return str(waiting["reason"]), str(waiting.get("message") or "")
    return None


def _state(statuses: object, name: str) -> Json:
    for status in statuses if isinstance(statuses, list) else []:
        if status.get("name") == name:
            state: Json = status.get("state") or {}
            return state
    return {}


def _exit_code(status: Json, main: str) -> int | None:
    ended = _state(status.get("containerStatuses"), main).get("terminated") or {}
    return ended.get("exitCode")


def _quantity(parse: Callable[[str], int], text: object) -> int:
    """A quantity that the API server has accepted; 0 without one, or for one that we cannot read."""
    try:
        return parse(str(text)) if text else 0
    except UsageError:
        return 0
