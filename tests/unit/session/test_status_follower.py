"""What Spark says of itself reaches fleet and progress; a driver that is gone is told once."""

from __future__ import annotations

import threading

import pytest

from sparkk8s_nb.model.fleet import ExecutorStatus
from sparkk8s_nb.model.progress import CellRef
from sparkk8s_nb.ports import SparkStatus
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.status_follower import StatusFollower
from sparkk8s_nb.testing import FakeClock, FakeDriver

WAIT = 20.0


class Follow:
    def __init__(self):
        self.driver = FakeDriver()
        self.fleet = FleetState(1, on_trip=print)
        self.gone = []
        self.told = threading.Event()
        self.follower = StatusFollower(
            self.driver, self.fleet, now=FakeClock(5.0), on_driver_gone=self._on_driver_gone
        )

    def _on_driver_gone(self, error):
        self.gone.append(error)
        self.told.set()

    def threads(self):
        return [thread for thread in threading.enumerate() if thread.name == "sparkk8s-status"]


@pytest.fixture
def follow():
    found = Follow()
    yield found
    found.follower.stop()
    assert found.threads() == []


def test_executors_reach_the_fleet(follow):
    """Registered ones are ready."""
    follow.driver.answer = SparkStatus(executors=(ExecutorStatus(id="1", cores=2),), jobs=())
    follow.follower.start()
    assert follow.fleet.feed.wait_for(lambda fleet: fleet.ready == 1, timeout=WAIT).ready == 1


def test_a_driver_that_is_gone_is_told_once_and_the_thread_ends(follow):
    """Whoever is told decides what it means."""
    follow.driver.dead = True
    follow.follower.start()
    assert follow.told.wait(WAIT)
    for thread in follow.threads():
        thread.join(WAIT)
    assert [error.problem for error in follow.gone] == ["The driver is gone."]


def test_a_stop_that_ends_the_driver_tells_nobody(follow):
    """It was wished for."""
    follow.follower.start()
    follow.follower.stop()
    follow.driver.dead = True
    assert follow.gone == []
    assert follow.follower.progress.closed


def test_a_cell_that_begins_has_the_progress_at_once(follow):
    """Empty, and its own."""
    cell = CellRef(tag="s-cell-1", count=1, cell_id="a")
    follow.follower.follow(cell)
    assert follow.follower.progress.value.cell == cell
    assert follow.follower.progress.value.jobs == ()


def test_whoever_asks_knows_whether_the_jvm_answers(follow):
    """It did a moment ago; a reading that hangs is not waited for."""
    assert follow.follower.answers(patience=0)


def test_a_death_is_seen(follow):
    """A bug must not look like a quiet Spark."""
    follow.driver.answer = None
    follow.follower.start()
    fleet = follow.fleet.feed.wait_for(lambda fleet: bool(fleet.stale or fleet.verdict), timeout=WAIT)
    assert "status follower died" in fleet.stale + fleet.verdict
