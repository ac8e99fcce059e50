"""What executors have used is told to the keeper, now and then, and only what is new."""

from __future__ import annotations

from sparkk8s_nb.model.executors import PodGone, PodSeen, PodView
from sparkk8s_nb.model.labels import USAGE
from sparkk8s_nb.model.spec import GIB
from sparkk8s_nb.model.usage import Usage, parse_usage
from sparkk8s_nb.session.accounting import TELL_EVERY, Accounting
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.testing import FakeClock, FakeKeeper

POD = PodView(name="p", uid="u", executor="1", phase="Running", cpu_millis=2000, memory=GIB, created=1000.0)


def test_the_keeper_hears_of_it_at_intervals_and_nothing_twice() -> None:
    """A fleet that is gone costs nothing more."""
    clock, keeper = FakeClock(1000.0), FakeKeeper()
    fleet = FleetState(1, on_trip=lambda reason: None)
    accounting = Accounting(fleet, clock)
    accounting.look()
    accounting.keep(keeper)
    fleet.apply(PodSeen(pod=POD, at=clock()))
    for _ in range(6):
        clock.sleep(TELL_EVERY / 2)
        accounting.look()
    fleet.apply(PodGone(pod=POD, at=clock()))
    for _ in range(6):
        clock.sleep(TELL_EVERY / 2)
        accounting.look()
    told = [parse_usage(value) for _, key, value in keeper.told if key == USAGE]
    assert told == [
        Usage(executors=1, core_seconds=2 * seconds, gib_seconds=seconds)
        for seconds in (10.0, 30.0, 50.0, 60.0)
    ]
