"""When executors worked: a grid that stays small however long and wide the work is."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.timeline import BINS, OTHERS, ROWS, Bin, ExecutorWork, Timeline


def work(*ids: str, busy: float = 0.5) -> list[ExecutorWork]:
    return [ExecutorWork(id=each, running=1, busy=busy, done=1) for each in ids]


def test_nothing_happened_before_the_first_work() -> None:
    """An idle session has no grid."""
    assert Timeline().add(10.0, 0.5, []) == Timeline()


def test_work_is_put_into_the_bin_in_which_it_was_done() -> None:
    """Executors that were idle have empty bins between."""
    line = Timeline().add(10.0, 0.5, work("1", "2")).add(11.5, 0.5, work("1"))
    assert line.start == 9.5
    assert line.rows == {
        "1": (Bin(busy=0.5, done=1), Bin(), Bin(), Bin(busy=0.5, done=1)),
        "2": (Bin(busy=0.5, done=1),),
    }


def test_time_belongs_to_the_bins_in_which_it_passed() -> None:
    """Readings come late or in twos: no bin shows more than the executor did at once."""
    line = Timeline()
    at = 100.0
    for seconds in (0.5, 0.9, 0.1, 0.45, 0.7, 1.35):
        at += seconds
        line = line.add(at, seconds, [ExecutorWork(id="1", running=1, busy=seconds, done=1, slots=1)])
    assert [each.busy for each in line.rows["1"]] == pytest.approx([0.5] * 8)
    assert sum(each.done for each in line.rows["1"]) == 6
    assert line.slots == {"1": 1}


def test_a_long_jobs_time_before_its_only_reading_is_spread_over_it() -> None:
    """Not all put at its end."""
    line = Timeline().add(100.5, 0.5, work("1")).add(102.5, 2.0, work("1", busy=1.0))
    assert [each.busy for each in line.rows["1"]] == pytest.approx([0.5, 0.25, 0.25, 0.25, 0.25])


def test_hours_fit_into_the_grid_and_no_work_is_lost() -> None:
    """Bins grow twice as wide, again and again."""
    line = Timeline()
    for second in range(7200):
        line = line.add(1000.0 + second, 1.0, work("1", "2", busy=0.9))
    assert line.width == 64.0
    for bins in line.rows.values():
        assert len(bins) <= BINS
        assert sum(each.done for each in bins) == 7200
        assert sum(each.busy for each in bins) == pytest.approx(7200 * 0.9)


def test_executors_beyond_the_last_row_share_one() -> None:
    """A thousand of them."""
    line = Timeline()
    for second in range(3):
        line = line.add(1000.0 + second, 1.0, work(*(str(number) for number in range(1000))))
    assert len(line.rows) == ROWS + 1
    assert sum(each.done for each in line.rows[OTHERS]) == 3 * (1000 - ROWS)


def test_a_pause_longer_than_the_grid_is_no_trouble() -> None:
    """The notebook was left alone for a week."""
    line = Timeline().add(1000.0, 0.5, work("1")).add(1000.0 + 7 * 86400, 5.0, work("1"))
    assert sum(each.done for each in line.rows["1"]) == 2
    assert len(line.rows["1"]) <= BINS
