"""Why a fleet does not come up: one ranked cause, one fix, and who can do it. Pure, and in plain words.

Also the breaker: the point at which asking for more executors is only noise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from sparkk8s_nb.model import reasons
from sparkk8s_nb.model.awaiting import NODE_COMING, PULLING
from sparkk8s_nb.model.executors import unnamed
from sparkk8s_nb.model.fleet import (
    ExecutorView,
    Fleet,
    FleetEvent,
    Phase,
    WantedChanged,
)
from sparkk8s_nb.model.hopeless import Obstacle
from sparkk8s_nb.model.portrange import FIRST_PORT, LAST_PORT

YOU = "you"
ADMINISTRATOR = "the administrator"

LOG_LINES = 8
"""So many last lines of a log go into a verdict."""

REGISTRATION_SECONDS = 60.0
"""An executor whose container runs that long without registering cannot reach the driver."""

CREATION_SECONDS = 5.0
"""So long after executors were asked for it is no news that they have no pod yet."""

_STUCK = (
    (
        reasons.PULL_PROBLEMS,
        "Check the image's name and tag (--image), and that this namespace may pull it (pull secret).",
    ),
    (
        reasons.CONTAINER_PROBLEMS,
        "Check what the pod template mounts and the security settings that the image needs.",
    ),
)

_NO_WAY = re.compile(r"(?:Failed to connect|Connecting) to \S+:(?P<port>\d+)")
"""How an executor's log names an address that it gets no connection to."""

_LET_THEM_IN = (
    "Have the administrator allow executor pods to reach the notebook's pod (NetworkPolicy; the rule for it: "
    "sparkk8s-nb manifests network)"
)

_INSUFFICIENT = re.compile(r"Insufficient ([a-z0-9./-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One cause and one fix.

    Parameters
    ----------
    problem : str
        What is wrong, one sentence.
    fix : str
        What to do, one sentence that can be followed literally.
    who : str
        Who can do it: ``you`` or ``the administrator``.
    log : str
        The last lines of the log that shows it; may be empty.
    """

    problem: str
    fix: str
    who: str = YOU
    log: str = ""

    def __str__(self) -> str:
        text = f"{self.problem}\n{self.fix}"
        return f"{text}\n{self.log}" if self.log else text


def diagnose(fleet: Fleet, *, now: float = 0.0, log: str = "", api: str = "") -> Verdict | None:
    """Return the one cause that keeps a fleet from being what is wanted, or None if all is well.

    Parameters
    ----------
    fleet : Fleet
    now : float
        Seconds since the epoch; 0.0 takes the fleet's own ``as_of``.
    log : str
        The last lines of the newest failed executor's log, where known.
    api : str
        Why the API server does not answer, where that is known from elsewhere.

    Examples
    --------
    >>> print(diagnose(Fleet(wanted=2, refused="exceeded quota: team, requested: cpu=2"), now=1.0))
    The cluster refuses to make executor pods: exceeded quota: team, requested: cpu=2
    Ask for less (-n, --cores, --memory), or have the administrator raise the quota.
    """
    now = now or fleet.as_of
    if api or fleet.stale:
        return Verdict(
            problem=f"The Kubernetes API does not answer: {api or fleet.stale}",
            fix="Check the network and the cluster; what is shown is from before.",
            who=ADMINISTRATOR,
        )
    if fleet.refused:
        return _refused(fleet.refused)
    if fleet.ready >= fleet.wanted:
        return None
    failed = fleet.failed_since(0.0)
    if fleet.failures_in_a_row and failed:
        return _failing(fleet, failed[-1], log)
    return _waiting(fleet, now)


def _refused(message: str) -> Verdict:
    said = " ".join(message.split())
    problem = f"The cluster refuses to make executor pods: {said}"
    if "quota" in said:
        fix = "Ask for less (-n, --cores, --memory), or have the administrator raise the quota."
        return Verdict(problem=problem, fix=fix)
    if "LimitRange" in said:
        fix = "Choose --cores and --memory within it, or have the administrator change it."
        return Verdict(problem=problem, fix=fix)
    if "service account" in said:
        fix = "Name one that exists in the pod template (serviceAccountName), or have it made."
        return Verdict(problem=problem, fix=fix)
    if "forbidden" in said.lower() and "cannot create" in said:
        fix = "Have the administrator grant the right to create pods in this namespace."
        return Verdict(problem=problem, fix=fix, who=ADMINISTRATOR)
    fix = "Have the administrator read this refusal: a policy of the cluster does not admit the pod."
    return Verdict(problem=problem, fix=fix, who=ADMINISTRATOR)


def _failing(fleet: Fleet, last: ExecutorView, log: str) -> Verdict:
    tail = "\n".join(log.rstrip().splitlines()[-LOG_LINES:])
    count = fleet.failures_in_a_row
    times = "An executor failed" if count == 1 else f"{count} executors failed, one after the other"
    problem = f"{times}: {unnamed(last)}."
    if last.code == reasons.OUT_OF_MEMORY or last.exit_code == 52:
        return Verdict(problem=problem, fix="Give each executor more memory: --memory.", log=tail)
    if last.reason == "its pod was deleted":
        fix = "Find out who deletes pods in this namespace (a cleaner, a preemption, a colleague)."
        return Verdict(problem=problem, fix=fix, log=tail)
    if _driver_out_of_reach(log):
        # Without the address: notebooks are saved with this, and the executor's log has it.
        problem = f"{times}: no connection to the driver."
        return Verdict(problem=problem, fix=f"{_LET_THEM_IN}.", who=ADMINISTRATOR)
    fix = f"Read its log: %sparkk8s logs {last.id}"
    if last.exit_code in {reasons.MISFIT, 126, 127}:
        fix = "Use an image that has Python, pyspark and Java as the notebook has them: --image."
    return Verdict(problem=problem, fix=fix, log=tail)


def _driver_out_of_reach(log: str) -> bool:
    """Whether an executor got no connection to the driver: its ports are in a range of their own."""
    found = _NO_WAY.search(log)
    return found is not None and FIRST_PORT <= int(found["port"]) <= LAST_PORT


def _waiting(fleet: Fleet, now: float) -> Verdict | None:
    pending = [view for view in fleet.executors if view.phase is Phase.PENDING]
    kept = [view for view in pending if view.obstacle]
    if kept:
        problem = f"{_executors(len(kept))} cannot start: {unnamed(kept[0])}."
        return Verdict(problem=problem, fix=Obstacle(kept[0].obstacle).fix)
    for kinds, fix in _STUCK:
        stuck = [view for view in pending if view.code in kinds]
        if stuck:
            problem = f"{_executors(len(stuck))} cannot start: {unnamed(stuck[0])}."
            return Verdict(problem=problem, fix=fix)
    coming = [view for view in pending if view.code in {PULLING, NODE_COMING}]
    if coming:
        problem = f"{_executors(len(coming))} not started yet: {unnamed(coming[0])}."
        return Verdict(problem=problem, fix="Wait: it is on its way, and may take minutes.")
    homeless = [view for view in pending if view.code == "Unschedulable"]
    if homeless:
        return _room(homeless, fleet)
    silent = [
        view
        for view in fleet.executors
        if view.phase is Phase.STARTING and view.since and now - view.since > REGISTRATION_SECONDS
    ]
    if silent:
        return Verdict(
            problem=f"{_executors(len(silent))} started and did not register with the driver.",
            fix=f"{_LET_THEM_IN}; the log says which address fails: %sparkk8s logs {silent[-1].id}",
            who=ADMINISTRATOR,
        )
    if pending:
        return Verdict(
            problem=f"{_executors(len(pending))} not started yet: {unnamed(pending[0])}.",
            fix="Wait: what it needs may take minutes (--timeout gives it longer).",
        )
    if fleet.starting:
        return Verdict(
            problem=f"{_executors(fleet.starting)} started and not registered with the driver yet.",
            fix="Wait a few seconds more.",
        )
    if not fleet.asked or (fleet.wanted_since and now - fleet.wanted_since < CREATION_SECONDS):
        return None  # Spark has only just been asked
    return Verdict(
        problem=f"{_executors(fleet.asked)} asked for, and no pod was made.",
        fix="Read what Spark says: %sparkk8s logs driver",
    )


def _room(stuck: list[ExecutorView], fleet: Fleet) -> Verdict:
    why = unnamed(stuck[0])
    problem = f"{_executors(len(stuck))} of {fleet.wanted} {why}."
    lacking = sorted({name for view in stuck for name in _INSUFFICIENT.findall(view.reason)})
    options = [option for name, option in (("cpu", "--cores"), ("memory", "--memory")) if name in lacking]
    if lacking and not options:
        fix = f"Ask the administrator for nodes with {', '.join(lacking)}."
        return Verdict(problem=problem, fix=fix, who=ADMINISTRATOR)
    if not options and ("taint" in why or "affinity" in why):
        fix = "Name tolerations or a node selector that fit in the pod template (--pod-template)."
        return Verdict(problem=problem, fix=fix)
    fewer = f"fewer executors (-n {fleet.ready})" if fleet.ready else "fewer executors (-n)"
    smaller = f" or smaller ones ({', '.join(options)})" if options else ""
    return Verdict(problem=problem, fix=f"Ask for {fewer}{smaller}, or wait for room.")


def _executors(count: int) -> str:
    return "1 executor" if count == 1 else f"{count} executors"


MIN_FAILURES = 3
MAX_REFUSALS = 3


@dataclass(frozen=True, slots=True)
class Breaker:
    """Says when to stop asking for executors. Spark itself would ask for ever.

    It trips after ``max(3, 2 * wanted)`` failures or 3 refused creations without a registration between
    them, and stays tripped until executors are wanted anew (:class:`WantedChanged` with more than none).
    It folds the fleet as it goes: :attr:`fleet` is the session's fleet, no second fold is needed.

    Parameters
    ----------
    wanted : int
        How many executors are asked for.
    tripped : str
        Why it tripped; empty while it has not.

    Examples
    --------
    >>> from sparkk8s_nb.model.fleet import CreationRefused
    >>> breaker = Breaker(1)
    >>> for second in range(3):
    ...     breaker = breaker.apply(CreationRefused(message="exceeded quota: team", at=float(second)))
    >>> breaker.tripped
    'the cluster refused to make 3 executor pods in a row: exceeded quota: team'
    """

    wanted: int = 0
    tripped: str = ""
    fleet: Fleet = field(default_factory=Fleet)

    def __post_init__(self) -> None:
        if self.wanted and self.fleet == Fleet():
            object.__setattr__(self, "fleet", Fleet(wanted=self.wanted))

    def apply(self, event: FleetEvent) -> Breaker:
        """Return the breaker after an event."""
        fleet = self.fleet.apply(event)
        wanted, tripped = self.wanted, self.tripped
        if isinstance(event, WantedChanged):
            wanted = event.wanted
            if tripped and wanted > 0:
                tripped = ""
                fleet = replace(fleet, failures_in_a_row=0, refusals_in_a_row=0, refused="")
        return Breaker(wanted, tripped or _trip(fleet), fleet)


def _trip(fleet: Fleet) -> str:
    if not fleet.wanted:
        return ""
    if fleet.refusals_in_a_row >= MAX_REFUSALS:
        return (
            f"the cluster refused to make {fleet.refusals_in_a_row} executor pods in a row: "
            f"{' '.join(fleet.refused.split())}"
        )
    if fleet.failures_in_a_row >= max(MIN_FAILURES, 2 * fleet.wanted):
        failed = fleet.failed_since(0.0)
        why = f": {unnamed(failed[-1])}" if failed else ""
        return f"{fleet.failures_in_a_row} executors failed in a row and none registered{why}"
    return ""
