"""The newest value, for any number of readers."""

from __future__ import annotations

import threading

from sparkk8s_nb.telemetry.feed import Feed

LONG = 60.0


def in_thread(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_slow_reader_sees_the_newest_value_and_skips_the_rest() -> None:
    """Never a queue."""
    feed = Feed(0)
    version, value = feed.wait_newer(-1, LONG)
    assert value == 0
    for number in range(1, 100):
        feed.publish(number)
    newer, value = feed.wait_newer(version, LONG)
    assert value == 99
    assert feed.wait_newer(newer, 0.0) == (newer, 99)


def test_a_wait_ends_when_the_value_fits() -> None:
    """On another thread's word."""
    feed = Feed(0)
    thread = in_thread(lambda: feed.publish(3))
    assert feed.wait_for(lambda value: value == 3, LONG) == 3
    thread.join(LONG)


def test_a_wait_ends_when_its_time_is_over() -> None:
    """The caller looks at the value to know which it was."""
    assert Feed(0).wait_for(lambda value: value == 3, 0.0) == 0


def test_closing_ends_every_wait() -> None:
    """Nothing more comes."""
    feed = Feed(0)
    seen: list[int] = []
    waiting = [
        in_thread(lambda: seen.append(feed.wait_for(lambda value: value > 0, LONG))),
        in_thread(lambda: seen.append(feed.wait_newer(0, LONG)[1])),
    ]
    feed.close()
    for thread in waiting:
        thread.join(LONG)
    assert seen == [0, 0]
    assert feed.closed


def test_updates_from_many_threads_are_all_counted() -> None:
    """A change is one step."""
    feed = Feed(0)

    def add() -> None:
        for _ in range(500):
            feed.update(lambda value: value + 1)

    threads = [in_thread(add) for _ in range(4)]
    for thread in threads:
        thread.join(LONG)
    assert feed.value == 2000


def test_a_reader_with_a_reason_of_its_own_is_woken_without_a_value() -> None:
    """So that a stop does not have to wait for the next value."""
    feed = Feed(0)
    reason = threading.Event()
    thread = in_thread(lambda: feed.wait_newer(0, LONG, reason.is_set))
    reason.set()
    feed.wake()
    thread.join(LONG)
    assert not thread.is_alive()
    assert feed.wait_newer(-1, 0.0) == (0, 0)


def test_a_reader_of_several_feeds_is_told_of_every_change_until_it_listens_no_more() -> None:
    """It cannot wait in each."""
    told: list[str] = []
    first, second = Feed(0), Feed(0)
    wakes = [lambda: told.append("first"), lambda: told.append("second")]
    for feed, wake in zip((first, second), wakes, strict=True):
        feed.listen(wake)
    first.publish(1)
    second.update(lambda value: value + 1)
    first.unlisten(wakes[0])
    first.publish(2)
    second.close()
    assert told == ["first", "second", "second"]
