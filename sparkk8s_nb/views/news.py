"""Which changes cannot wait: what an executor, a job or a query becomes, not how far it is."""

from __future__ import annotations

from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import Progress
from sparkk8s_nb.model.streams import Streams, StreamState


def fleet_news(fleet: Fleet) -> tuple[object, ...]:
    """What of a fleet is news: executors' phases and why it is in trouble, not tasks."""
    return (fleet.wanted, fleet.verdict, fleet.stale, fleet.counts)


def streams_news(streams: Streams) -> list[tuple[str, StreamState]]:
    """What of streaming queries is news: that one begins or ends, not its batches."""
    return [(one.run, one.state) for one in streams]


def progress_news(progress: Progress) -> tuple[object, ...]:
    """What of a cell is news: that its work begins or ends."""
    return (progress.state, progress.cell, streams_news(progress.streams))
