"""The word that ``kubectl get pods`` has for a pod, by the rules of the real printer. Pure."""

from __future__ import annotations

from datetime import datetime

from sparkk8s_nb.embedded.objects import Object, dig, is_deleting, parse_time
from sparkk8s_nb.embedded.podstatus import TERMINAL


def pod_status(pod: Object) -> str:
    """Phase, or what is more telling: a container's reason, Terminating.

    >>> pod_status({"metadata": {}, "spec": {}, "status": {"phase": "Pending"}})
    'Pending'
    """
    status = pod.get("status") or {}
    phase = str(status.get("phase") or "Unknown")
    reason = str(status.get("reason") or phase)
    starting = _init_reason(pod)
    if starting:
        reason = starting
    else:
        running = False
        for container in reversed(status.get("containerStatuses") or []):
            running = running or (
                bool(container.get("ready")) and "running" in (container.get("state") or {})
            )
            reason = _container_reason(container) or reason
        if reason == "Completed" and running:
            reason = "Running"
    if is_deleting(pod) and phase not in TERMINAL:
        return "Terminating"
    return reason


def _init_reason(pod: Object) -> str:
    inits = dig(pod, "status", "initContainerStatuses") or []
    for i, container in enumerate(inits):
        state = container.get("state") or {}
        ended = state.get("terminated")
        if ended and ended.get("exitCode") == 0:
            continue
        if ended:
            return f"Init:{_container_reason(container)}"
        why = (state.get("waiting") or {}).get("reason", "")
        if why and why not in ("PodInitializing", "ContainerCreating"):
            return f"Init:{why}"
        return f"Init:{i}/{len(inits)}"
    return ""


def _container_reason(container: Object) -> str:
    state = container.get("state") or {}
    if waiting := (state.get("waiting") or {}).get("reason"):
        return str(waiting)
    ended = state.get("terminated")
    if not ended:
        return ""
    return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode')}")


def pod_restarts(pod: Object, now: datetime) -> str:
    """The number of restarts, and how long ago the last one was.

    >>> pod_restarts({"status": {}}, datetime.min)
    '0'
    """
    containers = dig(pod, "status", "containerStatuses") or []
    count = sum(int(each.get("restartCount") or 0) for each in containers)
    ends = [dig(each, "lastState", "terminated", "finishedAt") for each in containers]
    last = max((each for each in ends if each), default=None)
    if not count or last is None:
        return str(count)
    seconds = max(0, int((now - parse_time(last)).total_seconds()))
    return f"{count} ({seconds}s ago)" if seconds < 120 else f"{count} ({seconds // 60}m ago)"
