"""Sessions held outside are dead only if nobody renews them while we watch."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.processes import identify
from sparkk8s_nb.session.lease_watch import LOOK_EVERY, MOST, WATCH_SECONDS, unrenewed
from sparkk8s_nb.session.orphans import find_sessions, still_proven
from sparkk8s_nb.testing import FakeClock, FakeCluster
from tests.unit.session.test_orphans import _this_boot, lease  # noqa: F401 (the fixture is automatic)

AWAY = ConnectError("The API server is away.", fix="Wait.")


class Watch:
    """Leases of this machine, another one and a pod, and what happens while somebody watches."""

    def __init__(self):
        self.cluster = FakeCluster(
            objects=[
                lease("silent", boot="another"),
                lease("renewed", boot="another"),
                lease("here", identify()),
                lease("newer", boot="another", schema=2),
                lease("in-a-pod", boot="another", pod="u", pod_name="nb", pod_namespace="default"),
            ]
        )
        self.cluster.put({"kind": "Pod", "metadata": {"name": "nb", "uid": "u", "namespace": "default"}})
        self.clock = FakeClock(1000.0)
        self.renewing = {"renewed"}
        self.away = (0.0, 0.0)

    def sleep(self, seconds):
        self.clock.sleep(seconds)
        for name in self.renewing:
            self.cluster.merge("Lease", name, {"spec": {"renewTime": str(self.clock())}})
        self.cluster.heal()
        if self.away[0] <= self.clock() - 1000.0 <= self.away[1]:
            self.cluster.fail("list", "Lease", AWAY)

    def dead(self):
        found = find_sessions(self.cluster)
        silent = unrenewed(self.cluster, found, clock=self.clock, sleep=self.sleep)
        assert all(session.dead for session in silent)
        return sorted(session.name for session in silent)


@pytest.fixture
def watch():
    return Watch()


def test_only_what_nobody_renews_is_dead(watch):
    """Not what can be told otherwise, nor what a newer release wrote."""
    assert watch.dead() == ["silent"]
    assert watch.clock() == 1000.0 + WATCH_SECONDS


def test_it_ends_as_soon_as_all_are_known_to_live(watch):
    """A reaper's job is over in half a minute."""
    watch.renewing.add("silent")
    assert watch.dead() == []
    assert watch.clock() == 1000.0 + LOOK_EVERY


def test_an_api_server_that_was_away_gives_them_all_their_time_anew(watch):
    """Nobody could renew meanwhile."""
    watch.renewing.clear()
    watch.away = (300.0, 600.0)
    assert watch.dead() == ["renewed", "silent"]
    assert watch.clock() == 1000.0 + 600.0 + LOOK_EVERY + WATCH_SECONDS


def test_it_gives_up_where_the_api_server_does_not_come_back(watch):
    """And has proven nothing."""
    watch.away = (300.0, 1e9)
    assert watch.dead() == []
    assert watch.clock() == 1000.0 + MOST * WATCH_SECONDS


def test_nothing_is_watched_where_nobody_is_held_outside(watch):
    """Not a request."""
    found = [session for session in find_sessions(watch.cluster) if not session.outside]
    before = len(watch.cluster.calls)
    assert unrenewed(watch.cluster, found, clock=watch.clock, sleep=watch.sleep) == []
    assert len(watch.cluster.calls) == before


def test_whoever_waits_is_told_how_many_are_in_question_and_for_how_long(watch):
    """The first time before the first wait."""
    told = []
    found = find_sessions(watch.cluster)
    unrenewed(watch.cluster, found, tell=lambda *now: told.append(now), clock=watch.clock, sleep=watch.sleep)
    assert told[:3] == [
        (2, WATCH_SECONDS),
        (1, WATCH_SECONDS - LOOK_EVERY),
        (1, WATCH_SECONDS - 2 * LOOK_EVERY),
    ]
    assert told[-1] == (1, LOOK_EVERY)


def test_a_stop_button_ends_the_wait(watch):
    """And what called it removes nothing."""

    def stopped(seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unrenewed(watch.cluster, find_sessions(watch.cluster), clock=watch.clock, sleep=stopped)


def test_a_session_that_was_silent_is_not_removed_once_its_lease_has_changed(watch):
    """Its machine slept for longer than anybody watched; gone is gone."""
    found = {session.name: session for session in find_sessions(watch.cluster)}
    silent = unrenewed(watch.cluster, list(found.values()), clock=watch.clock, sleep=watch.sleep)
    assert still_proven(watch.cluster, silent) == (silent, [])
    assert still_proven(watch.cluster, [found["here"]]) == ([], [found["here"]])
    watch.cluster.merge("Lease", "silent", {"spec": {"renewTime": "now"}})
    assert still_proven(watch.cluster, silent) == ([], silent)
    watch.cluster.delete("Lease", "silent")
    assert still_proven(watch.cluster, silent) == ([], silent)
