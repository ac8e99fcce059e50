"""A Lease is nobody's only if it did not change under somebody's eyes."""

from __future__ import annotations

from sparkk8s_nb.model.renewals import Renewals

WATCH = Renewals(seconds=900.0, gap=90.0)


def looks(*seen: tuple[float, dict[str, str]]) -> Renewals:
    watch = WATCH
    for at, versions in seen:
        watch = watch.look(versions, at)
    return watch


def steady(until: float, versions: dict[str, str], begin: float = 0.0) -> list[tuple[float, dict[str, str]]]:
    return [(begin + 30.0 * n, versions) for n in range(int((until - begin) / 30) + 1)]


def test_nothing_is_known_before_the_time_is_over() -> None:
    """However old a Lease says that it is."""
    assert not looks(*steady(870, {"a": "1"})).silent
    assert looks(*steady(870, {"a": "1"})).undecided
    done = looks(*steady(900, {"a": "1"}))
    assert (done.silent, done.undecided) == ({"a"}, False)


def test_one_renewal_is_enough_to_live() -> None:
    """Also the last moment's; whoever goes is no longer in question either."""
    seen = steady(870, {"a": "1", "b": "1", "c": "1"})
    done = looks(*seen, (900.0, {"a": "2", "c": "1"}))
    assert (done.silent, done.undecided) == ({"c"}, False)
    assert looks((0.0, {"a": "1"}), (30.0, {"a": "2"})).undecided is False


def test_while_nobody_could_look_nobody_watched() -> None:
    """An API server that was away takes the renewals with it: the time begins anew."""
    seen = [*steady(600, {"a": "1"}), *steady(1500, {"a": "1"}, begin=780.0)]
    assert not looks(*seen).silent
    assert looks(*seen, *steady(1680, {"a": "1"}, begin=1530.0)).silent == {"a"}


def test_a_lease_that_comes_later_is_not_in_question() -> None:
    """It was made by somebody who lives."""
    seen = [(0.0, {"a": "1"}), *steady(1200, {"a": "1", "new": "5"}, begin=30.0)]
    assert looks(*seen).silent == {"a"}


def test_nothing_to_watch_is_decided_at_once() -> None:
    """With the first look."""
    assert WATCH.undecided
    assert not looks((0.0, {})).undecided
