"""A start's timeout moves while something is on its way, and has an end."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.diagnosis import diagnose
from sparkk8s_nb.model.fleet import (
    ExecutorsSeen,
    ExecutorStatus,
    Fleet,
    PodEvent,
    PodEventsSeen,
    PodSeen,
    PodView,
)
from sparkk8s_nb.model.patience import (
    GRACE_SECONDS,
    LATE_SECONDS,
    MOST_SECONDS,
    SURE_SECONDS,
    Patience,
    in_vain,
    waited_for,
)

PULLS = PodEvent(reason="Pulling", message='Pulling image "spark:4.3"', at=2.0)
COMES = PodEvent(reason="TriggeredScaleUp", message="pod triggered scale-up", at=2.0)
FULL = "0/3 nodes are available: 3 Insufficient cpu."


def pending(
    event: PodEvent | None = None, *, number: int = 1, node: str = "node-7", fleet: Fleet | None = None
) -> Fleet:
    """A fleet with one more pending executor, of which the API says that."""
    pod = PodView(
        name=f"exec-{number}", uid=f"u-{number}", executor=str(number), node=node,
        reason="ContainerCreating" if node else "Unschedulable", message="" if node else FULL,
    )  # fmt: skip
    fleet = (fleet or Fleet(wanted=2)).apply(PodSeen(pod=pod, at=1.0))
    said = () if event is None else (event,)
    return fleet.apply(PodEventsSeen(executor=str(number), events=said, at=2.0))


def test_the_view_says_what_is_on_its_way() -> None:
    """In the row, in the summary, in the diagnosis."""
    both = pending(COMES, number=2, node="", fleet=pending(PULLS))
    assert [view.reason for view in both.executors] == [
        "its image is being pulled",
        "a node for it is being added",
    ]
    assert "its image is being pulled" in both.summary()
    assert waited_for(both) == "a node is being added, an image is being pulled"
    verdict = diagnose(pending(COMES, node=""), now=100.0)
    assert verdict is not None
    assert verdict.problem == "1 executor not started yet: a node for it is being added."
    assert verdict.fix.startswith("Wait")


def test_without_events_a_pod_is_what_its_own_status_says() -> None:
    """No room is no room."""
    fleet = pending(node="")
    assert waited_for(fleet) == ""
    assert fleet.executors[0].reason.startswith("waiting for room")
    assert fleet.executors[0].code == "Unschedulable"


def test_events_are_kept_while_the_pod_changes_and_lose_their_meaning_when_it_runs() -> None:
    """The watch brings pods, not their events."""
    fleet = pending(PULLS).apply(
        PodSeen(
            pod=PodView(name="exec-1", uid="u-1", executor="1", node="node-7", reason="PodInitializing"),
            at=3.0,
        )
    )
    assert waited_for(fleet) == "an image is being pulled"
    fleet = fleet.apply(
        PodSeen(pod=PodView(name="exec-1", uid="u-1", executor="1", node="node-7", phase="Running"), at=4.0)
    )
    assert (waited_for(fleet), fleet.executors[0].reason) == ("", "")
    fleet = fleet.apply(ExecutorsSeen(executors=(ExecutorStatus(id="1", cores=1),), at=5.0))
    assert fleet.ready == 1


def test_events_of_an_executor_that_nobody_knows_make_no_row() -> None:
    """It may have gone meanwhile."""
    assert Fleet(wanted=1).apply(PodEventsSeen(executor="9", events=(PULLS,), at=1.0)).executors == ()


def test_the_timeout_stands_where_nothing_is_on_its_way() -> None:
    """However close to its end."""
    patience = Patience(timeout=300.0)
    assert patience.look(pending(node=""), 299.0).until == 300.0


def test_while_something_comes_there_is_always_a_minute_more() -> None:
    """What has come becomes an executor in that time."""
    patience = Patience(timeout=300.0).look(pending(PULLS), 10.0)
    assert patience.until == 300.0
    patience = patience.look(pending(PULLS), 290.0)
    assert patience.until == 290.0 + GRACE_SECONDS
    assert patience.look(pending(node=""), 340.0).until == 290.0 + GRACE_SECONDS


@pytest.mark.parametrize(
    ("timeout", "most"), [(300.0, 900.0), (60.0, 180.0), (600.0, 900.0), (3600.0, 3600.0)]
)
def test_it_ends(timeout: float, most: float) -> None:
    """Three times the timeout, 15 minutes; a longer timeout is a wish."""
    patience = Patience(timeout=timeout)
    waited = 0.0
    while waited < patience.until:
        waited = patience.until
        patience = patience.look(pending(PULLS), waited)
    assert waited == patience.most == most
    assert most <= max(timeout, MOST_SECONDS)


def stuck(reason: str = "ErrImagePull", message: str = "r/spark:9: not found", *, number: int = 1) -> PodSeen:
    """An executor that cannot start as long as nothing is done."""
    pod = PodView(
        name=f"exec-{number}", uid=f"u-{number}", executor=str(number), node="node-7",
        reason=reason, message=message,
    )  # fmt: skip
    return PodSeen(pod=pod, at=1.0)


def test_a_start_that_cannot_succeed_ends_as_soon_as_that_is_sure() -> None:
    """An image that is not there does not come within the timeout."""
    fleet = Fleet(wanted=2).apply(stuck())
    patience = Patience(timeout=300.0).look(fleet, 4.0)
    assert (patience.end, patience.sure(6.0)) == (4.0 + SURE_SECONDS, False)
    patience = patience.look(fleet, 6.0)
    assert patience.end == 4.0 + SURE_SECONDS
    assert patience.sure(4.0 + SURE_SECONDS)


def test_what_a_node_may_not_have_heard_of_gets_longer() -> None:
    """A Secret that was made the moment before."""
    fleet = Fleet(wanted=1).apply(stuck("CreateContainerConfigError", 'secret "keys" not found'))
    assert Patience(timeout=300.0).look(fleet, 4.0).end == 4.0 + LATE_SECONDS
    assert Patience(timeout=10.0).look(fleet, 4.0).end == 10.0


def test_hope_comes_back_with_what_was_missing() -> None:
    """And is counted anew if it goes again."""
    patience = Patience(timeout=300.0).look(Fleet(wanted=1).apply(stuck()), 4.0)
    patience = patience.look(pending(PULLS), 5.0)
    assert patience.end == 300.0
    assert patience.look(Fleet(wanted=1).apply(stuck()), 100.0).end == 100.0 + SURE_SECONDS


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", ""])
def test_one_that_is_on_its_way_keeps_hope_alive(reason: str) -> None:
    """Another node may have the image."""
    fleet = Fleet(wanted=2).apply(stuck())
    assert in_vain(fleet) == SURE_SECONDS
    assert in_vain(fleet.apply(stuck(reason, "", number=2))) is None


def test_one_that_runs_proves_that_it_can_be_done() -> None:
    """Registered or not."""
    running = PodView(name="exec-2", uid="u-2", executor="2", node="n", phase="Running")
    fleet = Fleet(wanted=2).apply(stuck()).apply(PodSeen(pod=running, at=2.0))
    assert in_vain(fleet) is None
    assert in_vain(fleet.apply(ExecutorsSeen(executors=(ExecutorStatus(id="2"),), at=3.0))) is None


def test_one_without_room_would_meet_the_same_obstacle() -> None:
    """Waiting for a node is no hope then."""
    assert in_vain(pending(node="", number=2, fleet=Fleet(wanted=2).apply(stuck()))) == SURE_SECONDS
