"""One cell whose progress is told while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from sparkk8s_nb.model.activity import Activity
from sparkk8s_nb.model.drained import Drained
from sparkk8s_nb.model.progress import CellRef, JobState, Progress
from sparkk8s_nb.model.timeline import Timeline
from sparkk8s_nb.telemetry.feed import Feed


class FollowedCell:
    """A cell and the feed of its progress. Made by the status follower.

    Parameters
    ----------
    cell : CellRef
    feed : Feed of Progress
    began : Activity
        As it was when the cell began: what was missing before is none of its business.
    read : callable
        Has Spark read until the jobs in a feed have ended.
    leave : callable
        Told when the cell has ended.
    """

    def __init__(
        self,
        cell: CellRef,
        feed: Feed[Progress],
        began: Activity,
        *,
        read: Callable[[Feed[Progress]], Progress],
        leave: Callable[[FollowedCell], None],
    ) -> None:
        self.cell = cell
        self.feed = feed
        self.began = began
        self.begun_at = time.monotonic()
        self.over = False
        self._read = read
        self._leave = leave
        self._lock = threading.Lock()
        self._timeline = Timeline()

    def final(self) -> Progress:
        """The cell's numbers now that it has ended."""
        return self._read(self.feed)

    def end(self) -> None:
        """The cell has ended. Idempotent."""
        self._leave(self)

    def take_work(self, reading: Drained, seconds: float) -> None:
        """Add what the executors did in the seconds before a reading."""
        with self._lock:
            self._timeline = self._timeline.add(reading.at, seconds, reading.work)

    def tell(self, activity: Activity, at: float, *, missing: str) -> None:
        """Publish what is new."""
        before = self.feed.value
        progress = replace(
            Progress.of(self.cell, activity.jobs(self.cell.tag), at, before=before),
            missing=missing,
            timeline=self._timeline,
            streams=activity.streams,
        )
        same = progress.jobs == before.jobs and progress.streams == before.streams
        if progress.state is JobState.RUNNING or not same:
            self.feed.publish(progress)
