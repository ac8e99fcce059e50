"""What commands and hooks show: the fleet, and the progress of a cell."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import JobState, Progress
from sparkk8s_nb.model.streams import Streams, StreamState
from sparkk8s_nb.model.wire import keyframe
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.context import CellContext
from sparkk8s_nb.views.environment import Environment, Home, detect
from sparkk8s_nb.views.html import fleet_html, progress_detail_html, progress_html, streams_html
from sparkk8s_nb.views.kernel_view import KernelView
from sparkk8s_nb.views.live import Drawing, NothingShown, Shown
from sparkk8s_nb.views.news import fleet_news, progress_news, streams_news
from sparkk8s_nb.views.terminal_view import TerminalView
from sparkk8s_nb.views.text import LinePrinter, fleet_text, progress_text, short_line, streams_text

__all__ = ["CellContext", "Shown", "show_fleet", "show_progress", "show_streams"]

T = TypeVar("T")

_live: weakref.WeakValueDictionary[int, KernelView[Any]] = weakref.WeakValueDictionary()
"""The live views of a session by the identity of their feed; a live one is held by its thread."""

_live_lock = threading.Lock()


def show_fleet(
    feed: Feed[Fleet],
    info: Mapping[str, Any],
    *,
    actions: ActionWorker | None = None,
    now: Callable[[], float] = time.time,
    context: CellContext | None = None,
    environment: Environment | None = None,
) -> Shown:
    """Show the executors of a session, live until the feed closes or the view is finished.

    Shown again, the same view is live in one more cell, but not a second time in the same one; ``finish`` of
    either ends both.

    Parameters
    ----------
    feed : Feed of Fleet
    info : mapping
        What the live view may say of the session. It is never saved with the notebook.
    actions : ActionWorker, optional
        Takes what the view's buttons want done.
    now : callable
        Seconds since the epoch.
    context : CellContext, optional
        The cell to show it under; the one that runs now if not given (then on the main thread only).
    environment : Environment, optional
        Where this is; found out if not given.
    """
    drawing = fleet_drawing(info, now)
    return _shown(feed, drawing, actions, now, context, environment, view_of=_live_view)


def _live_view(feed: Feed[T], make: Callable[[], KernelView[T]]) -> KernelView[T]:
    """The view that the feed has already, or a new one."""
    with _live_lock:
        view: KernelView[T] | None = _live.get(id(feed))
        if view is None or view.ended or view.feed is not feed:
            view = _live[id(feed)] = make()
    return view


def show_progress(
    feed: Feed[Progress],
    info: Mapping[str, Any] | None = None,
    *,
    actions: ActionWorker | None = None,
    context: CellContext | None = None,
    executors: Callable[[], int | None] = lambda: None,
    now: Callable[[], float] = time.time,
    environment: Environment | None = None,
) -> Shown:
    """Show the jobs of one cell, live until the feed closes or the view is finished.

    Parameters
    ----------
    feed : Feed of Progress
    info, actions
        As for :func:`show_fleet`.
    context : CellContext, optional
        The cell, captured on the main thread when it began; with it any thread may call this.
    executors : callable
        How many executors there are, for the summary that stays.
    now : callable
        Seconds since the epoch.
    environment : Environment, optional
        Where this is; found out if not given.
    """
    return _shown(feed, progress_drawing(executors, info or {}), actions, now, context, environment)


def fleet_drawing(info: Mapping[str, Any], now: Callable[[], float]) -> Drawing[Fleet]:
    """Return how a session's executors look."""
    return Drawing(
        module="fleet",
        frame=lambda fleet, seq, at, _: keyframe(info, fleet, None, seq, at=at),
        text=lambda fleet, at: fleet_text(fleet, at, names=False),
        html=fleet_html,
        line=lambda fleet, _: short_line(fleet, now()),
        summary=lambda fleet: fleet.summary(),
        trouble=lambda fleet: bool(fleet.verdict),
        news=lambda before, after: fleet_news(before) != fleet_news(after),
        ticks=lambda fleet: fleet.start is not None,
    )


def show_streams(
    feed: Feed[Streams],
    *,
    now: Callable[[], float] = time.time,
    context: CellContext | None = None,
    environment: Environment | None = None,
) -> Shown:
    """Show the streaming queries of a session, live until the feed closes or the view is finished.

    Shown again it is as with :func:`show_fleet`.

    Parameters
    ----------
    feed : Feed of Streams
    now, context, environment
        As for :func:`show_fleet`.
    """
    drawing: Drawing[Streams] = Drawing(
        module="streams",
        frame=lambda streams, seq, at, _: keyframe({}, None, None, seq, streams=streams, at=at),
        text=lambda streams, _: streams_text(streams),
        html=lambda streams, _: streams_html(streams),
        line=lambda streams, _: " · ".join(one.line for one in streams.running) or streams.summary,
        summary=lambda streams: streams.summary,
        trouble=lambda streams: any(one.state is StreamState.FAILED for one in streams),
        news=lambda before, after: streams_news(before) != streams_news(after),
    )
    return _shown(feed, drawing, None, now, context, environment, view_of=_live_view)


def progress_drawing(
    executors: Callable[[], int | None], info: Mapping[str, Any] = MappingProxyType({})
) -> Drawing[Progress]:
    """Return how a cell's progress looks."""
    return Drawing(
        module="progress",
        frame=lambda progress, seq, at, before: keyframe(info, None, progress, seq, at=at, before=before),
        text=lambda progress, _: progress_text(progress),
        html=lambda progress, _: progress_html(progress),
        line=lambda progress, width: progress.line(width),
        summary=lambda progress: progress.summary(executors()),
        trouble=lambda progress: progress.state is JobState.FAILED,
        detail=progress_detail_html,
        news=lambda before, after: progress_news(before) != progress_news(after),
    )


def _shown(
    feed: Feed[T],
    drawing: Drawing[T],
    actions: ActionWorker | None,
    now: Callable[[], float],
    context: CellContext | None,
    environment: Environment | None,
    view_of: Callable[[Feed[T], Callable[[], KernelView[T]]], KernelView[T]] = lambda _, make: make(),
) -> Shown:
    """A view under the cell, or where there is no notebook what that place can show.

    ``view_of`` may give a view that is there already in place of the one that its argument would make.
    """
    environment = environment or detect()
    if not environment.shown or environment.home is not Home.KERNEL:
        return _outside(feed, drawing, environment)
    context = context or CellContext.capture()
    if context.kernel is None:
        return NothingShown()
    widgets = environment.widgets
    view = view_of(feed, lambda: KernelView(feed, drawing, widgets=widgets, actions=actions, now=now))
    view.show(context)
    return view


def _outside(feed: Feed[T], drawing: Drawing[T], environment: Environment) -> Shown:
    """A view where there is no notebook: a line on standard error.

    On a terminal it is replaced in place. A script's log gets a line now and then; in IPython without a
    terminal nothing but the summary.
    """
    stream = sys.__stderr__
    if not environment.shown or stream is None:
        return NothingShown()
    live = environment.tty or environment.home is Home.PLAIN
    return TerminalView(feed, drawing, LinePrinter(stream, tty=environment.tty), live=live)
