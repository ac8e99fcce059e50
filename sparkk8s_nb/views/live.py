"""A feed on a display: one worker thread per view pushes what is new, at most four times a second.

In a kernel a view begins as text and HTML under its display id. Its widget is opened beside it, and a front
end that can draw widgets loads the widget's code and asks for a keyframe: only then does the display get the
widget, and from then on frames go as comm messages. A front end that never asks (papermill, nbclient, one
whose comms wait for the busy kernel) keeps text and HTML, renewed once a second. So no notebook is ever
saved with a widget that nobody can draw, and in the end the display becomes one static line.

In a terminal the view is one line on standard error, written by one writer, gone when the command returns.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from sparkk8s_nb.views.context import CellContext
from sparkk8s_nb.views.html import summary_html
from sparkk8s_nb.views.text import LinePrinter

T = TypeVar("T")

logger = logging.getLogger(__name__)

FRAME_SECONDS = 0.25
"""At least so long between two frames of a view: four messages a second."""

TEXT_SECONDS = 1.0
"""At least so long between two renewals of text and HTML."""

DISPLAYS = 4
"""A view is live in so many cells at once; the oldest becomes a line that points below."""

_IDLE_SECONDS = 3600.0
_STOP_SECONDS = 2.0


class Shown(Protocol):
    """A view that was shown. Both methods may be called more than once, from any thread."""

    def settle(self) -> None:
        """The command that showed it returns: a terminal's line goes, a notebook's view lives on."""
        ...

    def finish(self, summary: str = "") -> None:
        """End the view, in every cell that shows it: one line stays (the view's own if none is given)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing(Generic[T]):
    """How the values of a feed look; ``at`` is now, seconds since the epoch.

    Parameters
    ----------
    module : str
        The ES module in ``static/`` that draws its frames.
    frame : callable
        ``(value, seq, at)`` to the JSON for the front end.
    text, html : callable
        ``(value, at)`` to what may stay in a saved notebook.
    line, summary : callable
        The value as a terminal's line, and as the line that stays.
    trouble : callable
        Whether the summary is bad news.
    """

    module: str
    frame: Callable[[T, int, float], Mapping[str, Any]]
    text: Callable[[T, float], str]
    html: Callable[[T, float], str]
    line: Callable[[T], str]
    summary: Callable[[T], str]
    trouble: Callable[[T], bool]


class NothingShown:
    """A view where nothing is to be seen."""

    def settle(self) -> None:
        """Do nothing."""

    def finish(self, summary: str = "") -> None:
        """Do nothing."""


class KernelView(Generic[T]):
    """A view in a notebook, live in every cell that shows it until it is finished or its feed closes.

    Parameters
    ----------
    feed : Feed
    drawing : Drawing
    widgets : bool
        Whether a widget is tried at all.
    now : callable
        Seconds since the epoch.
    """

    def __init__(
        self, feed: Feed[T], drawing: Drawing[T], *, widgets: bool, now: Callable[[], float] = time.time
    ) -> None:
        self.feed = feed
        self._drawing = drawing
        self._now = now
        self._widgets = widgets
        self._lock = threading.RLock()
        self._displays: dict[str, CellContext] = {}
        self._widget: Any = None
        self._drawable = False
        self._asked = threading.Event()
        self._seq = 0
        self._text_at = 0.0
        self._ended = feed.closed
        self._worker = Worker(f"view-{drawing.module}", self._follow, on_death=self._died)

    @property
    def ended(self) -> bool:
        """Whether it is static by now."""
        return self._ended

    def show(self, context: CellContext) -> None:
        """Show it under a cell (a further one, if it is live already); safe on any thread."""
        display_id = f"sparkk8s-{uuid.uuid4().hex}"
        with self._lock:
            first = not self._displays
            if first and self._widgets and not self._ended:
                self._widget = context.apart(self._open)
            while len(self._displays) >= DISPLAYS:
                oldest = next(iter(self._displays))
                self._displays.pop(oldest).update(_static("This view goes on below.", trouble=False), oldest)
            value = self.feed.value
            context.display(self._final(value, "") if self._ended else self._bundle(value), display_id)
            self._displays[display_id] = context
            if first and not self._ended:
                self._worker.start()

    def settle(self) -> None:
        """Go on living: a notebook's view does not end with its cell."""

    def finish(self, summary: str = "") -> None:
        """Make it static everywhere; a later call may give a better summary."""
        with self._lock:
            self._ended = True
        self._halt()
        self._end(summary)

    def _halt(self) -> None:
        self._worker.request_stop()
        self.feed.wake()
        self._worker.stop(_STOP_SECONDS)

    def _end(self, summary: str) -> None:
        with self._lock:
            self._ended = True
            bundle = self._final(self.feed.value, summary)
            for display_id, context in self._displays.items():
                context.update(bundle, display_id)
            if self._widget is not None:
                next(iter(self._displays.values())).apart(self._widget.end)
                self._widget = None

    def _open(self) -> Any:
        try:
            from sparkk8s_nb.views.widget import ViewWidget
        except ImportError:  # a kernel without anywidget: text and HTML say the same
            logger.debug("no widgets", exc_info=True)
            return None
        return ViewWidget(self._drawing.module, self._ask)

    def _ask(self) -> None:
        """Note that a front end wants a keyframe; the worker sends it."""
        self._asked.set()
        self.feed.wake()

    def _follow(self, stop: StopFlag) -> None:
        version, owed = -1, False
        while not stop.is_set():
            wait = max(0.0, self._text_at + TEXT_SECONDS - time.monotonic()) if owed else _IDLE_SECONDS
            version, value = self.feed.wait_newer(
                version, wait, lambda: stop.is_set() or self._asked.is_set()
            )
            if stop.is_set():
                return
            if self.feed.closed:
                self._end("")
                return
            owed = self._push(value)
            stop.wait(FRAME_SECONDS)

    def _push(self, value: T) -> bool:
        """Send what is new; return whether a renewal of the text is still owed."""
        with self._lock:
            if self._ended:
                return False
            if self._asked.is_set():
                self._asked.clear()
                if not self._drawable and self._widget is not None:
                    self._drawable = True
                    self._renew(value)
            if self._drawable:
                self._seq += 1
                frame = self._drawing.frame(value, self._seq, self._now())
                next(iter(self._displays.values())).apart(lambda: self._widget.show(frame))
                return False
            if time.monotonic() - self._text_at < TEXT_SECONDS:
                return True
            self._renew(value)
            return False

    def _renew(self, value: T) -> None:
        self._text_at = time.monotonic()
        bundle = self._bundle(value)
        for display_id, context in self._displays.items():
            context.update(bundle, display_id)

    def _bundle(self, value: T) -> dict[str, Any]:
        at = self._now()
        bundle: dict[str, Any] = {
            "text/plain": self._drawing.text(value, at),
            "text/html": self._drawing.html(value, at),
        }
        if self._drawable:
            bundle.update(self._widget.mime())
        return bundle

    def _final(self, value: T, summary: str) -> dict[str, str]:
        return _static(summary or self._drawing.summary(value), trouble=self._drawing.trouble(value))

    def _died(self, error: BaseException) -> None:
        try:
            self._end(f"{self._drawing.summary(self.feed.value)} (this view ended: {error})")
        except Exception:
            # The display itself is what fails (a kernel on its way out): there is nowhere left to say it.
            logger.debug("the view's last line could not be shown", exc_info=True)


class TerminalView(Generic[T]):
    """A view as one line on standard error.

    Parameters
    ----------
    feed : Feed
    drawing : Drawing
    printer : LinePrinter
        Nobody else writes with it.
    live : bool
        Whether the line follows the feed; otherwise only :meth:`finish` prints.
    """

    def __init__(self, feed: Feed[T], drawing: Drawing[T], printer: LinePrinter, *, live: bool) -> None:
        self._feed = feed
        self._drawing = drawing
        self._printer = printer
        self._lock = threading.Lock()
        self._settled = False
        self._worker = Worker(f"view-{drawing.module}", self._follow, on_death=self._died)
        if live:
            self._worker.start()

    def settle(self) -> None:
        """Take the line away: the prompt is the user's again."""
        self._halt()
        with self._lock:
            if not self._settled:
                self._printer.clear()
            self._settled = True

    def finish(self, summary: str = "") -> None:
        """Replace the line by its summary, unless the command that showed it has returned already."""
        self._halt()
        with self._lock:
            if not self._settled:
                self._printer.end(summary or self._drawing.summary(self._feed.value))
            self._settled = True

    def _halt(self) -> None:
        self._worker.request_stop()
        self._feed.wake()
        self._worker.stop(_STOP_SECONDS)

    def _follow(self, stop: StopFlag) -> None:
        version = -1
        while not stop.is_set() and not self._feed.closed:
            version, value = self._feed.wait_newer(version, _IDLE_SECONDS, stop.is_set)
            if stop.is_set() or self._feed.closed:
                return
            with self._lock:
                if not self._settled:
                    self._printer.update(self._drawing.line(value))
            stop.wait(FRAME_SECONDS)

    def _died(self, error: BaseException) -> None:
        logger.debug("the terminal's line ended: %s", error)


def _static(summary: str, *, trouble: bool) -> dict[str, str]:
    """What stays in a saved notebook."""
    return {"text/plain": summary, "text/html": summary_html(summary, trouble=trouble)}
