"""How a pod and Spark's word on it become one row of the fleet."""

from __future__ import annotations

from dataclasses import dataclass

from sparkk8s_nb.model import reasons
from sparkk8s_nb.model.awaiting import awaited
from sparkk8s_nb.model.executors import (
    ExecutorLoad,
    ExecutorStatus,
    ExecutorView,
    Phase,
    PodEvent,
    PodView,
    TaskCounts,
)
from sparkk8s_nb.model.hopeless import hopeless, pull_failure

LIVING = frozenset({Phase.PENDING, Phase.STARTING, Phase.RUNNING})
ENDED = frozenset({Phase.DONE, Phase.FAILED})
_TERMINAL = frozenset({"Succeeded", "Failed"})
_NO_TASKS = TaskCounts()
_NO_LOAD = ExecutorLoad()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All that is known of one executor; ``view`` is what follows from the rest.

    Parameters
    ----------
    view : ExecutorView
    pod : PodView or None
        Its last state; None where only Spark has told of the executor.
    status : ExecutorStatus or None
        None until it registered with Spark.
    events : tuple of PodEvent
        What the API's Events say of its pod.
    given_back : bool
        Whether there were more executors than wanted when it began to end.
    closing : bool
        Whether none were wanted at all then.
    gone : bool
        Whether the pod's object was deleted.
    deleted : bool
        Whether somebody deleted the pod while it ran.
    """

    view: ExecutorView
    pod: PodView | None = None
    status: ExecutorStatus | None = None
    events: tuple[PodEvent, ...] = ()
    given_back: bool = False
    closing: bool = False
    gone: bool = False
    deleted: bool = False


def join(
    key: str,
    row: Row | None,
    *,
    pod: PodView | None,
    status: ExecutorStatus | None,
    events: tuple[PodEvent, ...] | None = None,
    gone: bool,
    living: int,
    wanted: int,
    at: float,
) -> Row:
    """Return the row that follows from what was known and what is new.

    Parameters
    ----------
    key : str
        The executor's id.
    row : Row or None
        What was known.
    pod, status, events : optional
        What is new; None keeps what was known.
    gone : bool
        Whether the pod's object is deleted.
    living, wanted : int
        How many executors live, this one as it was included, and how many are asked for.
    at : float
        Seconds since the epoch.
    """
    before = row.view.phase if row is not None else None
    given_back = closing = deleted = False
    if row is not None:
        pod = pod if pod is not None else row.pod
        status = status if status is not None else row.status
        events = events if events is not None else row.events
        gone = gone or row.gone
        given_back, closing, deleted = row.given_back, row.closing, row.deleted
    # Once it has ended it is deleted in any case.
    deleted = deleted or (pod is not None and pod.deleting and pod.phase not in _TERMINAL)
    phase = _phase(pod, status, gone=gone or before in ENDED)
    code, obstacle = (pod.reason if pod is not None else ""), ""
    if phase not in LIVING and (before is None or before in LIVING):
        given_back = living + (before is None) > wanted
        closing = wanted == 0
    if row is not None and before in ENDED and (pod is None or pod.phase not in _TERMINAL):
        phase, reason = row.view.phase, row.view.reason  # an end is final; only its reason may get better
    elif phase is Phase.DONE and pod is not None:
        phase, reason = reasons.ended(
            pod,
            registered=status is not None,
            given_back=given_back,
            closing=closing,
            deleted=deleted,
            gone=gone,
        )
    elif phase is Phase.DONE:
        phase = Phase.DONE if given_back else Phase.FAILED
        reason = reasons.stopping_reason(None, status, given_back=given_back)
    elif phase is Phase.STOPPING:
        reason = reasons.stopping_reason(pod, status, given_back=given_back)
    elif pod is not None and pod.phase == "Unknown":
        reason = "its node does not answer"
    else:
        reason = ""
        if pod is not None and phase is Phase.PENDING:
            code = awaited(pod, events or ()) or code
            stuck = hopeless(pod, events or ())
            obstacle = stuck.obstacle if stuck is not None else ""
            if stuck is not None:
                reason = stuck.reason
            elif code in reasons.PULL_PROBLEMS:
                reason = pull_failure(pod, events or ())
            else:
                reason = reasons.pending_reason(pod, code)
    ended = 0.0
    if phase in ENDED:
        ended = row.view.ended if row is not None and row.view.ended else at
    view = _view(key, pod, status, phase, reason, code, obstacle, ended)
    return Row(
        view=view,
        pod=pod,
        status=status,
        events=events or (),
        given_back=given_back,
        closing=closing,
        gone=gone,
        deleted=deleted,
    )


def _phase(pod: PodView | None, status: ExecutorStatus | None, *, gone: bool) -> Phase:
    """The phase by its signs alone; an end is DONE here, :func:`join` judges it."""
    active = status is not None and status.active
    if pod is None:
        return Phase.RUNNING if active else Phase.DONE
    if gone or pod.phase in _TERMINAL:
        return Phase.DONE
    if pod.deleting or (status is not None and not active):
        return Phase.STOPPING
    if active:
        return Phase.RUNNING
    return Phase.PENDING if pod.phase == "Pending" else Phase.STARTING


def _view(
    key: str,
    pod: PodView | None,
    status: ExecutorStatus | None,
    phase: Phase,
    reason: str,
    code: str,
    obstacle: str,
    ended: float,
) -> ExecutorView:
    tasks, cores, load = _NO_TASKS, 0, _NO_LOAD
    if status is not None:
        load = status.load
        running = 0 if ended else status.running
        tasks, cores = TaskCounts(running=running, done=status.done, failed=status.failed), status.cores
    if pod is None:
        return ExecutorView(
            id=key, pod="", phase=phase, reason=reason, cores=cores, tasks=tasks, ended=ended, load=load
        )
    return ExecutorView(
        id=key,
        pod=pod.name,
        phase=phase,
        reason=reason,
        node=pod.node,
        cores=cores or -(-pod.cpu_millis // 1000),
        memory=pod.memory,
        tasks=tasks,
        since=pod.created,
        ended=ended,
        exit_code=pod.exit_code,
        code=code,
        obstacle=obstacle,
        load=load,
    )
