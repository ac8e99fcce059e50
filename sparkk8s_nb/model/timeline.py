"""When each executor worked: a bounded grid of executors and time bins.

The grid never has more than ``BINS`` bins: when time runs over its end, neighbours are merged and each bin
is twice as wide. It never has more than ``ROWS`` rows: further executors share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

BINS = 120
ROWS = 100
OTHERS = "others"
FIRST_WIDTH = 0.5

_INSTANT = 1e-4
"""Seconds that are no time: two clocks' sums differ by as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorWork:
    """What one executor did since the reading before.

    Parameters
    ----------
    id : str
    running : int
        Tasks at work now.
    busy : float
        Task-seconds since the reading before.
    done, failed : int
        Tasks that ended since the reading before.
    slots : int
        Tasks that it can run at once; 0 where unknown.
    """

    id: str
    running: int
    busy: float
    done: int = 0
    failed: int = 0
    slots: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """What one executor did in one stretch of time.

    Parameters
    ----------
    busy : float
        Task-seconds; divided by the bin's width the mean number of tasks at work.
    done, failed : int
    """

    busy: float = 0.0
    done: int = 0
    failed: int = 0

    def __add__(self, other: Bin) -> Bin:
        return Bin(
            busy=self.busy + other.busy, done=self.done + other.done, failed=self.failed + other.failed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Executors' work over time.

    Parameters
    ----------
    start : float
        Seconds since the epoch; 0.0 while empty.
    width : float
        Seconds of one bin.
    rows : Mapping of str to tuple of Bin
        By executor, each as long as it has worked.
    slots : Mapping of str to int
        By executor, how many tasks it can run at once, where that is known.

    Examples
    --------
    >>> line = Timeline().add(10.0, 0.5, [ExecutorWork(id="1", running=1, busy=0.5, done=2)])
    >>> line.add(10.5, 0.5, [ExecutorWork(id="1", running=0, busy=0.25, done=1)]).rows["1"]
    (Bin(busy=0.5, done=2, failed=0), Bin(busy=0.25, done=1, failed=0))
    """

    start: float = 0.0
    width: float = FIRST_WIDTH
    rows: Mapping[str, tuple[Bin, ...]] = field(default_factory=dict)
    slots: Mapping[str, int] = field(default_factory=dict)

    def add(self, at: float, seconds: float, work: Sequence[ExecutorWork]) -> Timeline:
        """The timeline with what was done in the ``seconds`` before ``at``.

        The time belongs to the bins that it overlaps, evenly: a reading that comes late fills no bin with
        more than the executor can do. The tasks that ended are put into one.
        """
        if not work:
            return self
        line = self if self.start else replace(self, start=at - seconds)
        while at - line.start > BINS * line.width:
            line = line._coarser()
        index = min(BINS - 1, max(0, int((at - seconds / 2 - line.start) / line.width)))
        shares = line._shares(at, seconds) or {index: 1.0}
        last = max(index, *shares)
        rows, slots = dict(line.rows), dict(line.slots)
        for item in work:
            name = item.id if item.id in rows or len(rows) < ROWS else OTHERS
            bins = list(rows.get(name, ()))
            bins.extend([Bin()] * (last + 1 - len(bins)))
            bins[index] += Bin(done=item.done, failed=item.failed)
            for place, share in shares.items():
                bins[place] += Bin(busy=item.busy * share)
            rows[name] = tuple(bins)
            if item.slots and name != OTHERS:
                slots[name] = item.slots
        return replace(line, rows=rows, slots=slots)

    def _shares(self, at: float, seconds: float) -> dict[int, float]:
        """How much of the ``seconds`` before ``at`` lies in each bin."""
        begin, end = max(0.0, at - seconds - self.start), at - self.start
        first, last = int(begin / self.width), min(BINS - 1, int(end / self.width))
        overlaps = {
            place: min(end, (place + 1) * self.width) - max(begin, place * self.width)
            for place in range(first, last + 1)
        }
        whole = {place: overlap for place, overlap in overlaps.items() if overlap > _INSTANT}
        total = sum(whole.values())
        return {place: overlap / total for place, overlap in whole.items()}

    def _coarser(self) -> Timeline:
        rows = {name: _merged(bins) for name, bins in self.rows.items()}
        return replace(self, width=2 * self.width, rows=rows)


def _merged(bins: tuple[Bin, ...]) -> tuple[Bin, ...]:
    pairs = (bins[index : index + 2] for index in range(0, len(bins), 2))
    return tuple(pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs)
