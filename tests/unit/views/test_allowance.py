"""What views may publish: a reserve, then so much a second, whatever they have to say."""

from __future__ import annotations

from sparkk8s_nb.views.allowance import ASKED_DEBT, DEBT, ENVELOPE, RATE, RESERVE, Allowance


def allowance() -> tuple[Allowance, list[float]]:
    now = [100.0]
    return Allowance(clock=lambda: now[0]), now


def published(seconds: float, size: int, *, urgent: bool = False) -> int:
    """How many bytes a view publishes that always has something to say, four times a second at most."""
    mine, now = allowance()
    total, end = 0, now[0] + seconds
    while now[0] < end:
        wait = mine.wait(urgent=urgent)
        if wait:
            now[0] += max(wait, 0.001)
            continue
        mine.spend(size)
        total += size + ENVELOPE
        now[0] += 0.25
    return total


def test_a_minute_of_the_largest_views_is_two_hundred_kilobytes_at_most() -> None:
    """Ordinary messages, then ones that are all urgent, as in a cell of hundreds of short jobs."""
    for size in (300, 2_000, 10_000):
        assert published(60.0, size) <= 200_000
        assert published(60.0, size, urgent=True) <= 200_000 + size


def test_after_the_first_minute_two_kilobytes_a_second_are_published_at_most() -> None:
    """For hours."""
    hour, minute = published(3600.0, 900), published(60.0, 900)
    assert (hour - minute) / 3540 <= 2_000


def test_what_is_small_is_never_held_back_for_twenty_seconds() -> None:
    """An ordinary job's view is as quick as it can be."""
    assert published(20.0, 300) == 80 * (300 + ENVELOPE)


def test_the_reserve_comes_back_while_nothing_is_said() -> None:
    """The next cell begins afresh."""
    mine, now = allowance()
    mine.spend(RESERVE + 20_000)
    assert mine.wait() > 10
    now[0] += 3600.0
    mine.spend(RESERVE - ENVELOPE)
    assert mine.wait() == 0.0
    mine.spend(1)
    assert mine.wait() > 0.0


def test_news_may_go_on_debt_up_to_a_limit() -> None:
    """A job's end is told at once."""
    mine, _ = allowance()
    mine.spend(RESERVE + DEBT - 2 * ENVELOPE)
    assert mine.wait() > 0.0
    assert mine.wait(urgent=True) == 0.0
    mine.spend(2 * ENVELOPE)
    assert mine.wait(urgent=True) > 0.0


def test_what_a_front_end_asked_for_stops_a_view_for_seconds_at_most() -> None:
    """A page that is reloaded gets its keyframe, and news soon after."""
    mine, _ = allowance()
    mine.spend(500_000, asked=True)
    assert mine.wait() == ASKED_DEBT / RATE
    mine.spend(500_000, asked=True)
    assert mine.wait() == ASKED_DEBT / RATE
