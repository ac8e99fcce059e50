"""What every view is: shown, then settled or finished; and how the values of a feed look.

A view is one worker thread that pushes what is new of its feed, at most four times a second: in a kernel
:class:`~sparkk8s_nb.views.kernel_view.KernelView`, elsewhere
:class:`~sparkk8s_nb.views.terminal_view.TerminalView`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")

FRAME_SECONDS = 0.25
"""At least so long between two frames of a view: four messages a second."""

IDLE_SECONDS = 3600.0
TICK_SECONDS = 1.0
STOP_SECONDS = 2.0


class Shown(Protocol):
    """A view that was shown. All methods may be called more than once, from any thread."""

    def settle(self) -> None:
        """The command that showed it returns: a terminal's line goes, a notebook's view lives on."""
        ...

    def finish(self, summary: str = "") -> None:
        """End the view, in every cell that shows it: one line stays (the view's own if none is given)."""
        ...

    def withdraw(self) -> None:
        """End the view as if nothing had been shown: no line stays."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing(Generic[T]):
    """How the values of a feed look; ``at`` is now, seconds since the epoch.

    Parameters
    ----------
    module : str
        The ES module in ``static/`` that draws its frames.
    frame : callable
        ``(value, seq, at, before)`` to the JSON for the front end; ``before`` is the frame before or None.
    text, html : callable
        ``(value, at)`` to what may stay in a saved notebook.
    line : callable
        ``(value, width)`` to a terminal's line, of that many characters if it can be.
    summary : callable
        The value as the line that stays.
    trouble : callable
        Whether the summary is bad news.
    news : callable
        ``(before, after)``: whether the change is one that cannot wait (a job's end).
    detail : callable
        More of an ended value as static HTML, folded under its summary; empty for none.
    ticks : callable
        Whether text and line count seconds, so that they change although nothing is new.
    """

    module: str
    frame: Callable[[T, int, float, Mapping[str, Any] | None], Mapping[str, Any]]
    text: Callable[[T, float], str]
    html: Callable[[T, float], str]
    line: Callable[[T, int], str]
    summary: Callable[[T], str]
    trouble: Callable[[T], bool]
    news: Callable[[T, T], bool]
    detail: Callable[[T], str] = lambda _: ""
    ticks: Callable[[T], bool] = lambda _: False


class NothingShown:
    """A view where nothing is to be seen."""

    def settle(self) -> None:
        """Do nothing."""

    def finish(self, summary: str = "") -> None:
        """Do nothing."""

    def withdraw(self) -> None:
        """Do nothing."""
