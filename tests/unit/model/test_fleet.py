"""The fold of pod events and Spark's status into a fleet."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.model.fleet import (
    DEAD_KEPT,
    CreationRefused,
    ExecutorsSeen,
    ExecutorStatus,
    Fleet,
    FleetEvent,
    Listed,
    Phase,
    PodGone,
    PodSeen,
    PodView,
    WantedChanged,
    WatchLost,
)

GIB = 2**30


def pod(number: int, phase: str = "Pending", **changes: object) -> PodView:
    made = PodView(
        name=f"p-{number}",
        uid=f"u-{number}",
        executor=str(number),
        phase=phase,
        node="node-1" if phase != "Pending" else "",
        cpu_millis=2000,
        memory=2 * GIB,
        created=100.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def seen(number: int, phase: str = "Pending", at: float = 1.0, **changes: object) -> PodSeen:
    return PodSeen(pod=pod(number, phase, **changes), at=at)


def registered(*numbers: int, at: float = 2.0, **changes: object) -> ExecutorsSeen:
    statuses = tuple(replace(ExecutorStatus(id=str(n), cores=2), **changes) for n in numbers)  # type: ignore[arg-type]
    return ExecutorsSeen(executors=statuses, at=at)


def fold(wanted: int, *events: FleetEvent) -> Fleet:
    fleet = Fleet(wanted=wanted)
    for event in events:
        fleet = fleet.apply(event)
    return fleet


def running(wanted: int) -> Fleet:
    """A fleet in which all that are wanted run."""
    numbers = range(1, wanted + 1)
    return fold(wanted, *(seen(n, "Running") for n in numbers), registered(*numbers))


def only(fleet: Fleet):
    (view,) = fleet.executors
    return view


def test_an_executor_goes_from_asked_through_pending_and_starting_to_running() -> None:
    """The phases of a life, each by its own sign."""
    fleet = Fleet(wanted=1)
    assert (fleet.asked, fleet.executors) == (1, ())
    fleet = fleet.apply(seen(1))
    assert (fleet.asked, only(fleet).phase) == (0, Phase.PENDING)
    fleet = fleet.apply(seen(1, "Running"))
    assert (only(fleet).phase, fleet.ready) == (Phase.STARTING, 0)
    fleet = fleet.apply(registered(1, running=1, done=5, failed=2))
    view = only(fleet)
    assert (view.phase, fleet.ready) == (Phase.RUNNING, 1)
    assert (view.tasks.running, view.tasks.done, view.tasks.failed) == (1, 5, 2)
    assert (view.node, view.cores, view.memory, view.since) == ("node-1", 2, 2 * GIB, 100.0)


def test_wanted_executors_without_a_pod_are_counted_and_no_row_is_invented() -> None:
    """Asked is a number."""
    fleet = fold(5, seen(1), seen(2, "Running"))
    assert fleet.counts[Phase.ASKED] == 3
    assert len(fleet.executors) == 2


def test_a_pod_that_does_not_fit_stays_pending_and_says_why() -> None:
    """The scheduler's words, without its sentence on preemption."""
    message = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: ..."
    fleet = fold(1, seen(1, reason="Unschedulable", message=message))
    assert only(fleet).reason == "waiting for room: 0/1 nodes are available: 1 Insufficient cpu"
    assert fleet.summary() == (
        "0 of 1 executor running, 1 pending: waiting for room: 0/1 nodes are available: 1 Insufficient cpu"
    )


@pytest.mark.parametrize(
    ("reason", "message", "words"),
    [
        ("ErrImagePull", "not found: nope:1", "its image cannot be pulled: not found: nope:1"),
        ("ImagePullBackOff", "", "its image cannot be pulled: ImagePullBackOff"),
        ("ContainerCreating", "", "its container is being made"),
        ("Pulling", "", "its image is being pulled"),
        ("CreateContainerConfigError", 'secret "x" not found', "its container cannot be made: secret"),
        ("", "", "waiting for a node"),
        ("SchedulingGated", "gate q", "SchedulingGated: gate q"),
    ],
)
def test_a_pending_pod_says_in_plain_words_what_it_waits_for(reason: str, message: str, words: str) -> None:
    """Each reason of the API has its sentence; an unknown one is shown as it is."""
    assert only(fold(1, seen(1, reason=reason, message=message))).reason.startswith(words)


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("OOMKilled", 137, "used more memory than its 2 GiB: raise --memory"),
        ("Error", 1, "ended with exit code 1"),
        ("Error", 137, "killed by signal 9 (exit code 137)"),
        ("Error", 52, "its Java heap was too small: raise --memory (exit code 52)"),
        ("Error", 127, "its command was not found in the image (exit code 127)"),
        ("Evicted", None, "taken away by its node (evicted)"),
    ],
)
def test_a_failed_executor_says_in_plain_words_what_ended_it(
    reason: str, code: int | None, words: str
) -> None:
    """Exit codes and reasons become sentences; the API's word is kept beside."""
    fleet = running(1).apply(seen(1, "Failed", at=9.0, reason=reason, exit_code=code))
    view = only(fleet)
    assert (view.phase, view.reason, view.code, view.ended) == (Phase.FAILED, words, reason, 9.0)
    assert fleet.failed_total == 1
    assert fleet.asked == 1


def test_an_executor_that_leaves_after_scaling_down_is_done() -> None:
    """More than wanted: one given back is no failure, whatever signal ended it."""
    fleet = running(3).apply(WantedChanged(wanted=2, at=3.0))
    fleet = fleet.apply(seen(3, "Running", at=4.0, deleting=True))
    assert fleet.find("3").phase is Phase.STOPPING  # type: ignore[union-attr]
    fleet = fleet.apply(seen(3, "Failed", at=5.0, deleting=True, exit_code=143, reason="Error"))
    view = fleet.find("3")
    assert view is not None
    assert (view.phase, view.reason) == (Phase.DONE, "given back")
    assert (fleet.ready, fleet.failed_total, fleet.done_total) == (2, 0, 1)


def test_an_executor_out_of_memory_has_failed_even_while_scaling_down() -> None:
    """The kernel's killer is not our wish."""
    fleet = running(3).apply(WantedChanged(wanted=2, at=3.0))
    fleet = fleet.apply(seen(3, "Failed", at=5.0, exit_code=137, reason="OOMKilled"))
    assert fleet.failed_total == 1


def test_after_a_stop_every_executor_is_done() -> None:
    """None wanted: an executor that lost its driver exits with 1 and has not failed."""
    fleet = running(2).apply(WantedChanged(wanted=0, at=3.0))
    fleet = fleet.apply(seen(1, "Failed", at=4.0, exit_code=1, reason="Error"))
    fleet = fleet.apply(PodGone(pod=pod(2, "Running"), at=5.0))
    assert [view.phase for view in fleet.executors] == [Phase.DONE, Phase.DONE]
    assert fleet.summary() == "no executors"


def test_an_executor_that_crashes_before_registering_has_failed_though_none_are_wanted() -> None:
    """When the breaker stopped asking, those that still crash are crashes."""
    fleet = fold(1, seen(1, "Running"), WantedChanged(wanted=0, at=2.0))
    fleet = fleet.apply(seen(1, "Failed", at=4.0, exit_code=1, reason="Error"))
    assert fleet.failed_total == 1


def test_a_pod_that_somebody_deletes_has_failed_and_says_so() -> None:
    """As many as wanted: its deletion was not ours."""
    fleet = running(2).apply(seen(1, "Running", at=3.0, deleting=True)).apply(seen(3, at=4.0))
    fleet = fleet.apply(PodGone(pod=pod(1, "Running", deleting=True), at=5.0))
    view = fleet.find("1")
    assert view is not None
    assert (view.phase, view.reason) == (Phase.FAILED, "its pod was deleted")


def test_a_pod_that_somebody_deletes_and_that_finishes_its_tasks_first_is_no_failure() -> None:
    """Its pre-stop hook had Spark end it in order; that we delete what has ended is not meant."""
    fleet = running(2).apply(seen(1, "Running", at=3.0, deleting=True))
    fleet = fleet.apply(seen(1, "Succeeded", at=9.0, deleting=True, exit_code=0))
    view = fleet.find("1")
    assert view is not None
    assert (view.phase, view.reason) == (Phase.DONE, "its pod was deleted, and it finished its tasks first")
    fleet = running(2).apply(seen(1, "Succeeded", at=3.0, exit_code=0))
    fleet = fleet.apply(PodGone(pod=pod(1, "Succeeded", deleting=True, exit_code=0), at=4.0))
    view = fleet.find("1")
    assert view is not None
    assert (view.phase, view.reason) == (Phase.DONE, "ended by the driver")


def test_a_container_that_ends_well_without_registering_has_failed() -> None:
    """An image whose command is not an executor would be asked for again for ever."""
    fleet = fold(1, seen(1, "Running"), seen(1, "Succeeded", at=3.0, exit_code=0))
    assert only(fleet).phase is Phase.FAILED
    assert "before it registered" in only(fleet).reason


def test_a_retired_executor_is_stopping_as_soon_as_spark_lets_it_go() -> None:
    """Spark's word comes before the pod's end."""
    fleet = running(2).apply(WantedChanged(wanted=1, at=3.0)).apply(registered(1, at=4.0))
    assert fleet.find("2").phase is Phase.STOPPING  # type: ignore[union-attr]
    assert fleet.find("2").reason == "being given back"  # type: ignore[union-attr]
    assert fleet.ready == 1


def test_only_the_newest_ended_executors_are_kept_and_all_are_counted() -> None:
    """Ten rows, whatever happened."""
    fleet = Fleet(wanted=2)
    for number in range(1, 41):
        fleet = fleet.apply(seen(number, "Running", at=number))
        fleet = fleet.apply(seen(number, "Failed", at=number + 0.5, exit_code=1))
        fleet = fleet.apply(PodGone(pod=pod(number, "Failed", exit_code=1), at=number + 0.6))
    assert [view.id for view in fleet.executors] == [str(number) for number in range(31, 41)]
    assert len(fleet.executors) == DEAD_KEPT
    assert fleet.failed_total == 40
    assert len(fleet._rows) == DEAD_KEPT


def test_a_late_word_on_an_executor_that_is_no_longer_kept_brings_nothing_back() -> None:
    """Neither Spark's list of dead executors nor a last pod event."""
    fleet = Fleet(wanted=0)
    for number in range(1, 21):
        fleet = fleet.apply(seen(number, "Running"))
        fleet = fleet.apply(PodGone(pod=pod(number, "Running"), at=2.0))
    before = fleet.executors
    fleet = fleet.apply(registered(*range(1, 6), at=3.0))
    fleet = fleet.apply(PodGone(pod=pod(1, "Failed"), at=4.0)).apply(seen(1, "Failed", at=4.0))
    assert fleet.executors == before
    assert fleet.ready == 0


def test_the_view_is_stale_from_a_lost_watch_until_the_next_list() -> None:
    """A single event does not prove that the rest is right."""
    fleet = running(1).apply(WatchLost(problem="connection refused", at=3.0))
    assert fleet.stale == "connection refused"
    assert "not live since 00:00:03 UTC: connection refused" in fleet.summary()
    assert fleet.apply(seen(1, "Running", at=4.0)).stale == "connection refused"
    still = fleet.apply(WatchLost(problem="timed out", at=60.0))
    assert (still.stale, still.stale_since) == ("timed out", 3.0)
    again = still.apply(Listed(pods=(pod(1, "Running"),), at=65.0))
    assert (again.stale, again.stale_since) == ("", 0.0)


def test_what_a_list_does_not_name_has_gone() -> None:
    """Deleted while nobody watched."""
    fleet = running(2).apply(Listed(pods=(pod(2, "Running"), pod(3)), at=5.0))
    assert [(view.id, view.phase) for view in fleet.executors] == [
        ("2", Phase.RUNNING),
        ("3", Phase.PENDING),
        ("1", Phase.FAILED),
    ]


def test_an_executor_that_only_spark_knows_is_shown_without_a_pod() -> None:
    """The watch may be behind."""
    fleet = fold(1, registered(1))
    assert (only(fleet).pod, only(fleet).phase) == ("", Phase.RUNNING)
    assert only(fleet.apply(seen(1, "Running"))).pod == "p-1"


def test_a_registration_ends_the_row_of_failures() -> None:
    """Also one that was over before anybody looked: Spark lists it as dead."""
    fleet = fold(1, seen(1, "Running"), seen(1, "Failed", exit_code=1), seen(2, "Running"))
    assert fleet.failures_in_a_row == 1
    assert fleet.apply(registered(2)).failures_in_a_row == 0
    assert fleet.apply(registered(1, active=False)).failures_in_a_row == 0
    assert fleet.apply(registered(1, active=False)).failed_total == 1


def test_a_refusal_is_kept_until_a_pod_is_made() -> None:
    """The last word of the API server."""
    fleet = fold(2, CreationRefused(message="exceeded quota", at=1.0))
    assert (fleet.refused, fleet.refusals_in_a_row) == ("exceeded quota", 1)
    assert fleet.apply(seen(1)).refused == ""


def test_the_summary_names_no_pod_and_no_node() -> None:
    """It may stay in a saved notebook."""
    fleet = running(2).apply(seen(3)).apply(seen(1, "Failed", at=3.0, exit_code=1))
    assert "p-" not in fleet.summary()
    assert "node-1" not in fleet.summary()


def test_failures_can_be_asked_for_since_a_moment() -> None:
    """For a start that only cares for its own."""
    fleet = running(2).apply(seen(1, "Failed", at=5.0, exit_code=1))
    assert [view.id for view in fleet.failed_since(4.0)] == ["1"]
    assert fleet.failed_since(6.0) == ()


def test_an_earlier_fleet_is_not_changed_by_what_follows() -> None:
    """A fold, not a mutation."""
    before = running(2)
    views = before.executors
    before.apply(seen(1, "Failed", exit_code=1))
    assert before.executors == views
    assert before.ready == 2


events = st.one_of(
    st.builds(
        seen,
        st.integers(1, 6),
        st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
        deleting=st.booleans(),
        exit_code=st.sampled_from([None, 0, 1, 137]),
        reason=st.sampled_from(["", "OOMKilled", "Unschedulable"]),
    ),
    st.builds(lambda n: PodGone(pod=pod(n), at=2.0), st.integers(1, 6)),
    st.builds(lambda numbers: registered(*numbers), st.sets(st.integers(1, 6))),
    st.builds(lambda numbers: registered(*numbers, active=False), st.sets(st.integers(1, 6))),
    st.builds(lambda n: WantedChanged(wanted=n, at=2.0), st.integers(0, 6)),
    st.builds(
        lambda numbers: Listed(pods=tuple(pod(n, "Running") for n in numbers), at=3.0),
        st.sets(st.integers(1, 6)),
    ),
)


@given(st.lists(events, max_size=60))
def test_the_counts_are_those_of_the_rows_whatever_comes_in_whatever_order(story: list[FleetEvent]) -> None:
    """Incremental numbers equal counted ones."""
    fleet = fold(2, *story)
    for phase in (Phase.PENDING, Phase.STARTING, Phase.RUNNING, Phase.STOPPING):
        assert fleet.counts[phase] == sum(view.phase is phase for view in fleet.executors)
    ended = [view for view in fleet.executors if view.ended]
    assert len(ended) <= DEAD_KEPT
    assert fleet.done_total + fleet.failed_total >= len(ended)
    assert min(fleet.counts.values()) >= 0
    assert fleet.summary()


def test_ten_thousand_events_at_a_thousand_executors_cost_a_row_each() -> None:
    """Work grows with the events, not with events times executors: the tables are copied, never rebuilt."""
    fleet = Fleet(wanted=1000)
    for number in range(1, 1001):
        fleet = fleet.apply(seen(number, "Running"))
    started = time.process_time()
    for number in range(10_000):
        fleet = fleet.apply(seen(number % 1000 + 1, "Running", at=float(number)))
    print(f"10,000 events at 1,000 executors: {time.process_time() - started:.3f} s")
    assert fleet.starting == 1000
    assert len(fleet.executors) == 1000
