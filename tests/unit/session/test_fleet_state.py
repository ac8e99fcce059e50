"""Events of several threads become one fleet."""

from __future__ import annotations

from sparkk8s_nb.model.fleet import CreationRefused, PodGone, PodSeen, PodView, WantedChanged
from sparkk8s_nb.session.fleet_state import FleetState


def refuse(state, times):
    for second in range(times):
        state.apply(CreationRefused(message="exceeded quota", at=float(second)))


def test_the_breaker_is_told_once_and_outside_of_the_lock():
    """Whoever is told may ask for the fleet."""
    told = []
    state = FleetState(
        1, on_trip=lambda reason: told.append((reason, state.tripped, state.feed.value.wanted))
    )
    refuse(state, 5)
    assert [(reason, wanted) for reason, _, wanted in told] == [(state.tripped, 1)]


def test_wanting_anew_forgets_the_breaker_and_its_verdict():
    """The verdict was about it."""
    state = FleetState(1, on_trip=lambda reason: state.judge(reason))
    refuse(state, 3)
    assert state.feed.value.verdict
    state.apply(WantedChanged(wanted=2, at=9.0))
    assert (state.tripped, state.feed.value.verdict) == ("", "")


def test_what_executors_cost_is_counted_while_they_live():
    """And does not grow afterwards."""
    state = FleetState(1, on_trip=print)
    pod = PodView(name="p", uid="u", executor="1", phase="Running", cpu_millis=1000, created=100.0)
    state.apply(PodSeen(pod=pod, at=100.0))
    assert state.usage(3700.0).core_hours == 1.0
    state.apply(PodGone(pod=pod, at=3700.0))
    assert state.usage(99999.0).core_hours == 1.0
