"""What executors cost is a fold over their pods."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.model.fleet import Listed, PodGone, PodSeen, PodView, WatchLost
from sparkk8s_nb.model.spec import GIB
from sparkk8s_nb.model.usage import Usage, parse_usage


def pod(number=1, phase="Running", created=100.0, cores=1):
    return PodView(
        name=f"p-{number}", uid=f"u-{number}", executor=str(number), phase=phase,
        cpu_millis=cores * 1000, memory=2 * GIB, created=created,
    )  # fmt: skip


def test_an_executor_costs_from_its_making_to_its_end():
    """Seen as often as it is; its end counts once."""
    usage = Usage()
    for event in (
        PodSeen(pod=pod(), at=100.0),
        PodSeen(pod=pod(), at=150.0),
        PodSeen(pod=pod(phase="Failed"), at=200.0),
        PodGone(pod=pod(phase="Failed"), at=900.0),
        PodSeen(pod=pod(), at=950.0),
    ):
        usage = usage.apply(event)
    assert (usage.executors, usage.core_seconds, usage.gib_seconds) == (1, 100.0, 200.0)
    assert usage.at(5000.0) == usage


def test_what_is_no_longer_listed_has_ended():
    """While nobody watched; the others go on."""
    usage = Usage().apply(Listed(pods=(pod(1), pod(2, cores=2)), at=100.0))
    usage = usage.apply(Listed(pods=(pod(2, cores=2),), at=160.0))
    assert usage.core_seconds == 60.0
    assert usage.at(200.0).core_seconds == 60.0 + 200.0


def test_an_executor_that_was_only_seen_dead_counts():
    """It was made and paid for."""
    usage = Usage().apply(PodGone(pod=pod(), at=130.0))
    assert (usage.executors, usage.core_seconds) == (1, 30.0)


def test_other_events_cost_nothing():
    """Nor does a clock that is behind."""
    assert Usage().apply(WatchLost(problem="x", at=1.0)) == Usage()
    assert Usage().apply(PodGone(pod=pod(created=0.0), at=5.0)).core_seconds == 0.0
    assert Usage().apply(PodGone(pod=pod(), at=5.0)).core_seconds == 0.0


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["Running", "Failed", "gone"])), max_size=30))
def test_costs_never_shrink_and_never_count_twice(steps):
    """Whatever comes in whatever order."""
    usage, before = Usage(), 0.0
    for second, (number, what) in enumerate(steps, 101):
        each = pod(number, phase="Running" if what == "gone" else what)
        usage = usage.apply(
            PodGone(pod=each, at=float(second)) if what == "gone" else PodSeen(pod=each, at=float(second))
        )
        assert usage.at(float(second)).core_seconds >= before
        before = usage.at(float(second)).core_seconds
    assert usage.executors == len({number for number, _ in steps})
    assert before <= len(steps) * usage.executors


def test_the_sums_survive_the_lease_s_annotation() -> None:
    """Living executors up to now; what is none is nothing."""
    usage = Usage().apply(PodSeen(pod=pod(cores=3), at=100.0)).at(160.0)
    assert parse_usage(usage.as_json()) == Usage(executors=1, core_seconds=180.0, gib_seconds=120.0)
    for text in ("", "{}", "[]", "null", '{"executors":"x","core_seconds":1,"gib_seconds":1}'):
        assert parse_usage(text) is None
