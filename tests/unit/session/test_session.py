"""A session that runs: scaled, lost, revived, stopped."""

from __future__ import annotations

import threading

import pytest

from sparkk8s_nb.errors import (
    ConnectError,
    DriverError,
    NoSessionError,
    SessionError,
    SessionLostError,
    UsageError,
)
from sparkk8s_nb.model.fleet import CreationRefused, ExecutorsSeen, ExecutorStatus, PodSeen, PodView
from sparkk8s_nb.model.progress import CellRef
from sparkk8s_nb.model.record import parse_record
from sparkk8s_nb.model.spec import GIB
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.session.cluster_objects import record_of

AWAY = ConnectError("The API server is away.", fix="Wait.")


def pod(number, phase="Running", **other):
    return PodView(name=f"p-{number}", uid=f"u-{number}", executor=str(number), phase=phase, **other)


def seen(world, *pods):
    for each in pods:
        world.pods.push(PodSeen(pod=each, at=world.clock()))


def await_state(session, state, seconds):
    session._course.feed.wait_for(lambda now: now is state, timeout=seconds)
    assert session.state is state


def test_scaling_up_asks_and_gives_nobody_back(world):
    """The record says how many are wanted now."""
    session = world.opened()
    session.scale(4)
    assert ("request_executors", 4) in world.driver.calls
    assert not [call for call in world.driver.calls if call[0] == "retire_executors"]
    assert session.fleet.wanted == 4
    assert parse_record(record_of(world.cluster.read("Lease", world.name))).executors == 4


def test_scaling_down_takes_waiting_idle_and_busy_ones_in_this_order(world):
    """A pod that waits is deleted, an idle executor ended, a busy one decommissioned."""
    session = world.opened(executors=4)
    statuses = (
        ExecutorStatus(id="1", cores=1, running=1),
        ExecutorStatus(id="2", cores=1, running=1),
        ExecutorStatus(id="3", cores=1),
    )
    world.cluster.put({"kind": "Pod", "metadata": {"name": "p-4", "namespace": "default"}})
    for each in (pod(1), pod(2), pod(3), pod(4, "Pending")):
        session._fleet.apply(PodSeen(pod=each, at=1001.0))
    world.driver.answer = type(world.driver.answer)(executors=statuses, jobs=())
    session._fleet.apply(ExecutorsSeen(executors=statuses, at=1002.0))
    session.scale(1)
    calls = [call for call in world.driver.calls if call[0] in {"request_executors", "retire_executors"}]
    assert calls == [
        ("request_executors", 1),
        ("retire_executors", ("3",), False),
        ("retire_executors", ("2",), True),
    ]
    assert world.cluster.read("Pod", "p-4") is None


def test_directly_after_scaling_nothing_is_called_wrong(world):
    """Spark asks every second or so; after some seconds without a pod it is news."""
    session = world.opened()
    session.scale(3)
    assert session.why() is None
    world.clock.sleep(6)
    assert "no pod was made" in session.why().problem


def test_a_lease_that_is_gone_stops_the_asking_and_says_what_helps(world):
    """Once, whoever tells it how often."""
    session = world.opened()
    session._course.lost()
    session._course.lost()
    assert session.state is SessionState.LOST
    assert world.driver.calls.count(("request_executors", 0)) == 1
    assert session.why().fix == "%sparkk8s scale N revives it."
    assert "Lease was deleted" in session.fleet.verdict


def test_a_lost_session_is_revived_by_scaling(world):
    """A new Lease owns new objects, the template names it, the keeper knows it."""
    session = world.opened()
    before = world.cluster.read("Lease", world.name)["metadata"]["uid"]
    world.cluster.delete("Lease", world.name)
    session._course.lost()
    session.scale(2)
    after = world.cluster.read("Lease", world.name)["metadata"]["uid"]
    assert session.state is SessionState.RUNNING
    assert after != before
    assert after in world.place.spark_files.pod_template.read_text()
    assert world.keeper.told[-1] == ("lease", world.name, after)
    for kind in ("Secret", "ConfigMap", "Service"):
        assert [item["metadata"]["ownerReferences"][0]["uid"] for item in world.cluster.list(kind)] == [after]
    assert session.why() is None
    assert session.fleet.verdict == ""


def test_reviving_may_fail_half_way_and_be_tried_again(world):
    """The second try finds the new Lease and goes on."""
    session = world.opened()
    world.cluster.delete("Lease", world.name)
    session._course.lost()
    world.cluster.fail("create", "Secret", AWAY, times=1)
    with pytest.raises(ConnectError):
        session.scale(2)
    assert session.state is SessionState.LOST
    uid = world.cluster.read("Lease", world.name)["metadata"]["uid"]
    session.scale(2)
    assert session.state is SessionState.RUNNING
    assert world.cluster.read("Lease", world.name)["metadata"]["uid"] == uid


def test_scaling_a_session_whose_lease_has_just_gone_says_so(world):
    """Before the caretaker has looked."""
    session = world.opened()
    world.cluster.delete("Lease", world.name)
    with pytest.raises(SessionLostError, match="Lease was deleted"):
        session.scale(3)
    assert session.state is SessionState.LOST
    session.scale(3)
    assert session.state is SessionState.RUNNING


def test_a_lease_of_our_name_that_is_not_ours_is_replaced(world):
    """Somebody restored a backup: another uid owns nothing of ours."""
    session = world.opened()
    world.cluster.delete("Lease", world.name)
    world.cluster.put(
        {"kind": "Lease", "metadata": {"name": world.name, "namespace": "default", "uid": "restored"}}
    )
    session._course.lost()
    session.scale(2)
    assert world.cluster.read("Lease", world.name)["metadata"]["uid"] != "restored"


def test_a_driver_that_is_gone_fails_the_session_once(world):
    """The view says it; commands say it; stopping does not blame Spark."""
    session = world.opened()
    session._course.driver_gone(DriverError("The driver is gone.", fix="Start again."))
    assert session.state is SessionState.FAILED
    assert session.why().problem == "The driver is gone."
    with pytest.raises(SessionError, match="does not run"):
        session.scale(3)
    world.driver.stuck = True
    assert "Nothing left" in session.stop()


def test_a_driver_that_is_gone_does_not_end_the_thread_that_wants_to_stop_asking(world):
    """The breaker trips on whatever thread saw the last straw."""
    session = world.opened()

    def gone(total):
        raise DriverError("The driver is gone.", fix="Start again.")

    session._driver = type("Gone", (), {"request_executors": staticmethod(gone)})()
    for second in range(3):
        session._fleet.apply(CreationRefused(message="exceeded quota", at=1000.0 + second))
    assert "exceeded quota" in session.fleet.verdict
    session._driver = world.driver


def test_the_breaker_stops_the_asking_and_scaling_starts_it_again(world):
    """Three refusals without a registration."""
    session = world.opened()
    for second in range(3):
        session._fleet.apply(CreationRefused(message="exceeded quota", at=1000.0 + second))
    assert ("request_executors", 0) in world.driver.calls
    assert "After mending it: %sparkk8s scale N" in session.fleet.verdict
    session.scale(1)
    assert ("request_executors", 1) in world.driver.calls
    assert session.fleet.verdict == ""


def test_a_stopped_session_leaves_nothing_and_says_what_it_cost(world):
    """Also when asked twice."""
    session = world.opened()
    seen(world, pod(1, cpu_millis=2000, memory=8 * GIB, created=1000.0))
    session.fleet_feed.wait_for(lambda fleet: bool(fleet.executors and fleet.executors[0].pod), world.wait)
    world.clock.sleep(1800)
    first = session.stop()
    assert first == "Stopped after 30 min, 1 executor, 1.00 core-hours, 4.00 GiB-hours. Nothing left."
    assert session.stop() == first
    assert world.left == []
    assert world.closed
    assert session.state is SessionState.STOPPED
    assert world.driver.calls.count(("stop", 10.0)) == 1
    assert world.keeper.told[-1] == ("release",)


def test_what_could_not_be_stopped_is_named(world):
    """All of it; the rest is done."""
    session = world.opened()
    world.driver.stuck = True
    world.cluster.fail("delete", "Secret", AWAY)
    summary = session.stop()
    assert summary.startswith("Stopped, but could not stop Spark")
    assert "could not delete the session's objects: The API server is away" in summary
    assert world.cluster.read("Lease", world.name) is None
    assert ("finish",) in world.keeper.told


def test_two_threads_may_stop_at_once(world):
    """Both get the summary, the steps run once."""
    session = world.opened()
    inside, go_on = threading.Event(), threading.Event()
    real = world.driver.stop

    def slow(timeout):
        inside.set()
        assert go_on.wait(world.wait)
        return real(timeout)

    session._driver = type("Slow", (), {"stop": staticmethod(slow)})()
    summaries = []
    threads = [threading.Thread(target=lambda: summaries.append(session.stop())) for _ in range(2)]
    threads[0].start()
    assert inside.wait(world.wait)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(world.wait)
    assert len(summaries) == 2
    assert len(set(summaries)) == 1
    assert "Nothing left" in summaries[0]


def test_an_interrupted_stop_ends_the_session_all_the_same(world):
    """The remaining steps have run; a new start is possible."""
    session = world.opened()

    def interrupted(timeout):
        raise KeyboardInterrupt

    session._driver = type("Interrupted", (), {"stop": staticmethod(interrupted)})()
    with pytest.raises(KeyboardInterrupt):
        session.stop()
    assert session.closed
    assert session.state is SessionState.STOPPED
    assert world.left == []


def test_spark_stop_stops_the_whole_session(world):
    """The hook that pyspark's own methods call."""
    session = world.opened()
    world.driver.on_stop()
    assert session.closed
    assert world.left == []


def test_a_with_block_stops_at_its_end(world):
    """Whatever happens in it."""
    with pytest.raises(NoSessionError), world.opened() as session:
        raise NoSessionError("x", fix="y")
    assert session.closed


def test_leaving_the_interpreter_only_tells_the_keeper(world):
    """Nothing waits; a closed session tells nobody."""
    session = world.opened()
    session.abandon()
    assert world.keeper.told[-1] == ("finish",)
    session.stop()
    told = len(world.keeper.told)
    session.abandon()
    assert len(world.keeper.told) == told


def test_no_thread_outlives_its_session(world):
    """Pods, status, caretaker: all named, all ended."""
    session = world.opened()
    names = {thread.name for thread in threading.enumerate()}
    assert {"sparkk8s-pods", "sparkk8s-status", "sparkk8s-caretaker"} <= names
    session.stop()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("sparkk8s-")]


def test_the_death_of_the_driver_is_seen_by_itself(world):
    """By the thread that reads its status."""
    session = world.opened()
    world.driver.dead = True
    session._status._wake.set()
    await_state(session, SessionState.FAILED, world.wait)


def test_logs_are_those_of_living_and_of_dead_executors(world):
    """A living one's from the cluster, a dead one's as it was kept; any other is an error that lists them."""
    session = world.opened()
    seen(world, pod(1), pod(2, "Failed", marked=True))
    world.cluster.logs.update({"p-1": "alive\n", "p-2": "one\ntwo\n"})
    kept = threading.Event()
    for _ in range(200):
        if session._caretaker.log_of("2"):
            break
        kept.wait(0.05)
    assert session.log_of("2", tail=1) == "two"
    assert session.log_of("1", tail=10) == "alive\n"
    with pytest.raises(SessionError, match="There is no executor 9") as caught:
        session.log_of("9", tail=1)
    assert "1" in caught.value.fix


def test_jobs_are_cancelled_by_cell_or_all(world):
    """By the driver, by the cell's number."""
    session = world.opened()
    world.driver.cancellable = 2
    session.follow_cell(CellRef(tag="tag", count=5))
    assert session.cancel(5) == 2
    assert session.cancel() == 2
    assert world.driver.calls[-2:] == [("cancel", "tag"), ("cancel_all",)]
    with pytest.raises(UsageError, match=r"No cell \[6\]"):
        session.cancel(6)


def test_two_cells_with_one_number_are_both_cancelled(world):
    """A subshell's that began while the main one ran: the user sees the same number at both."""
    session = world.opened()
    world.driver.cancellable = 1
    session.follow_cell(CellRef(tag="main", count=5))
    session.follow_cell(CellRef(tag="beside", count=5), beside=True)
    assert session.cancel(5) == 2
    assert world.driver.calls[-2:] == [("cancel", "main"), ("cancel", "beside")]


def test_one_of_two_cells_with_one_number_is_cancelled_by_its_tag(world):
    """As a view does, which shows one of them."""
    session = world.opened()
    world.driver.cancellable = 1
    session.follow_cell(CellRef(tag="main", count=5))
    session.follow_cell(CellRef(tag="beside", count=5), beside=True)
    before = len(world.driver.calls)
    assert session.cancel(tag="main") == 1
    assert world.driver.calls[before:] == [("cancel", "main")]


def test_progress_under_cells_can_be_switched_while_it_runs(world):
    """Only the specification's word for it changes."""
    session = world.opened()
    session.show_progress(False)
    assert session.spec.progress is False
