"""What became of an executor, in plain words: pure functions of its pod and of what Spark said."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sparkk8s_nb.model.awaiting import NODE_COMING, PULLING
from sparkk8s_nb.model.executors import ExecutorStatus, Phase, PodView
from sparkk8s_nb.model.quantities import format_memory

OUT_OF_MEMORY = "OOMKilled"
PULL_PROBLEMS: AbstractSet[str] = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)
"""Reasons with which a kubelet says that it cannot get an image."""

CONTAINER_PROBLEMS: AbstractSet[str] = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"}
)
"""Reasons with which a kubelet says that it has the image and cannot make the container."""

_ASKED_TO_END = frozenset({None, 0, 130, 137, 143})
"""Exit codes of a process that was asked to end: none known, cleanly, by INT, KILL or TERM."""

MISFIT = 78
"""Exit code of the executors' start script: the image lacks something, or has another version of it."""

_EXIT_CODES = {
    50: "an uncaught exception ended it (exit code 50)",
    51: "an uncaught exception ended it (exit code 51)",
    52: "its Java heap was too small: raise --memory (exit code 52)",
    56: "it could not reach the driver with its heartbeat (exit code 56)",
    126: "its command cannot be executed (exit code 126)",
    127: "its command was not found in the image (exit code 127)",
}
"""Spark's own exit codes (``SparkExitCode``, ``ExecutorExitCode``) and the shell's."""

_LIMIT = 240


def pending_reason(pod: PodView, code: str) -> str:
    """Why a pod does not run yet whose image is no problem; ``code`` is what it waits for, or the pod's own reason."""
    said = short(pod.message)
    if code == PULLING:
        return "its image is being pulled"
    if code == NODE_COMING:
        return "a node for it is being added"
    if pod.reason == "Unschedulable":
        return f"waiting for room: {said}" if said else "waiting for room"
    if pod.reason in CONTAINER_PROBLEMS:
        return f"its container cannot be made: {said or pod.reason}"
    if pod.reason in {"ContainerCreating", "PodInitializing"} or (not pod.reason and pod.node):
        return "its container is being made"
    if not pod.reason:
        return "waiting for a node"
    return f"{pod.reason}: {said}" if said else pod.reason


def ended(
    pod: PodView, *, registered: bool, given_back: bool, closing: bool, deleted: bool, gone: bool
) -> tuple[Phase, str]:
    """Whether an executor that ended did so in order, and why.

    Parameters
    ----------
    pod : PodView
        Its last state.
    registered : bool
        Whether it ever registered with Spark.
    given_back : bool
        Whether there were more executors than wanted when it began to end.
    closing : bool
        Whether none were wanted at all then.
    deleted : bool
        Whether somebody deleted the pod while it ran.
    gone : bool
        Whether the pod's object was deleted.
    """
    code = pod.exit_code
    if pod.reason == OUT_OF_MEMORY:
        limit = f"its {format_memory(pod.memory)}" if pod.memory else "its limit"
        return Phase.FAILED, f"used more memory than {limit}: raise --memory"
    if given_back and (code in _ASKED_TO_END or (closing and registered)):
        return Phase.DONE, "given back"
    if pod.phase == "Succeeded":
        if registered and deleted:
            return Phase.DONE, "its pod was deleted, and it finished its tasks first"
        if registered:
            return Phase.DONE, "ended by the driver"
        return Phase.FAILED, "ended before it registered with Spark (exit code 0)"
    if pod.deleting and code in _ASKED_TO_END:
        return Phase.FAILED, "its pod was deleted"
    if pod.phase == "Failed":
        return Phase.FAILED, _failure(pod)
    if gone:
        return Phase.FAILED, "its pod was deleted"
    return Phase.FAILED, "lost"


def stopping_reason(pod: PodView | None, status: ExecutorStatus | None, *, given_back: bool) -> str:
    """Why an executor is on its way out."""
    if given_back:
        return "being given back"
    if pod is not None and pod.deleting:
        return "its pod is being deleted"
    removed = short(status.removed_reason) if status is not None else ""
    return f"removed by Spark: {removed}" if removed else "leaving"


def _failure(pod: PodView) -> str:
    said = short(pod.message)
    if pod.reason in {"Evicted", "Preempting", "Preempted", "Shutdown", "NodeLost", "NodeShutdown"}:
        return f"taken away by its node ({pod.reason.lower()})" + (f": {said}" if said else "")
    if pod.exit_code == MISFIT:
        return f"its image does not fit: {said or 'its log says why (exit code 78)'}"
    if pod.exit_code in _EXIT_CODES:
        return _EXIT_CODES[pod.exit_code]
    if pod.exit_code is not None and 128 < pod.exit_code < 160:
        return f"killed by signal {pod.exit_code - 128} (exit code {pod.exit_code})"
    if pod.exit_code is not None:
        return f"ended with exit code {pod.exit_code}" + (f": {said}" if said else "")
    return f"{pod.reason or 'failed'}: {said}" if said else (pod.reason or "failed")


def short(text: str) -> str:
    """One line, without the scheduler's second sentence on preemption, of bounded length."""
    line = " ".join(text.split())
    line = line.split(" preemption:")[0].rstrip(" .")
    return line if len(line) <= _LIMIT else line[: _LIMIT - 1] + "…"
