"""A feed on a notebook's display.

A view begins as text and HTML under its display id. Its widget is opened beside it, and a front end that can
draw widgets loads the widget's code and asks for a keyframe: only then does the display get the widget, and
from then on only what changes goes as comm messages, numbered, and a keyframe to whoever asks: a second
reader, one that missed a message, a page that was reloaded. A front end that never asks (papermill, nbclient,
one whose comms wait for the busy kernel) keeps text and HTML, renewed once a second. So no notebook is ever
saved with a widget that nobody can draw, and in the end the display becomes one static line, or nothing.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from sparkk8s_nb.model.wire_delta import message, size
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.allowance import SHARED, Allowance
from sparkk8s_nb.views.context import CellContext
from sparkk8s_nb.views.html import summary_html
from sparkk8s_nb.views.live import FRAME_SECONDS, IDLE_SECONDS, STOP_SECONDS, TICK_SECONDS, Drawing

T = TypeVar("T")

logger = logging.getLogger(__name__)

TEXT_SECONDS = 1.0
"""At least so long between two renewals of text and HTML."""

PARENT = 280
"""So many bytes more than a comm message an update of a display takes: it names its parent."""

NOTHING = {"text/plain": "", "text/html": ""}
"""Takes no room; a display without any type would have some front ends complain that they cannot draw it."""

DISPLAYS = 4
"""A view is live in so many cells at once; the oldest becomes a line that points below."""


class KernelView(Generic[T]):
    """A view in a notebook, live in every cell that shows it until it is finished or its feed closes.

    Parameters
    ----------
    feed : Feed
    drawing : Drawing
    widgets : bool
        Whether a widget is tried at all.
    actions : ActionWorker, optional
        Takes what the widget's buttons want done.
    now : callable
        Seconds since the epoch.
    allowance : Allowance
        How much it may publish.
    """

    def __init__(
        self,
        feed: Feed[T],
        drawing: Drawing[T],
        *,
        widgets: bool,
        actions: ActionWorker | None = None,
        now: Callable[[], float] = time.time,
        allowance: Allowance = SHARED,
    ) -> None:
        self.feed = feed
        self._drawing = drawing
        self._now = now
        self._widgets = widgets
        self._actions = actions
        self._lock = threading.RLock()
        self._displays: dict[str, CellContext] = {}
        self._widget: Any = None
        self._drawable = False
        self._asked = threading.Event()
        self._allowance = allowance
        self._sent: Mapping[str, Any] | None = None
        self._pushed: T | None = None
        self._text_at = 0.0
        self._ended = feed.closed
        self._worker = Worker(f"view-{drawing.module}", self._follow, on_death=self._died)

    @property
    def ended(self) -> bool:
        """Whether it is static by now."""
        return self._ended

    def show(self, context: CellContext) -> None:
        """Show it under a cell (a further one, if it is live already); safe on any thread.

        Where the cell shows it already nothing is added: that one is live.
        """
        display_id = f"sparkk8s-{uuid.uuid4().hex}"
        with self._lock:
            if any(context.is_same_place(known) for known in self._displays.values()):
                return
            first = not self._displays
            while len(self._displays) >= DISPLAYS:
                oldest = next(iter(self._displays))
                self._displays.pop(oldest).update(_static("This view goes on below.", trouble=False), oldest)
            value = self.feed.value
            bundle = self._final(value, "") if self._ended else self._bundle(value)
            self._spend(bundle)
            context.display(bundle, display_id)
            self._displays[display_id] = context
            if first and not self._ended:
                if self._widgets:  # what is to be seen first is there already: loading widgets takes a moment
                    self._widget = context.apart(self._open)
                self._worker.start()

    def settle(self) -> None:
        """Go on living: a notebook's view does not end with its cell. What the cell saves is as of now."""
        with self._lock:
            if self._displays and not (self._ended or self._drawable):
                self._renew(self.feed.value)

    def finish(self, summary: str = "") -> None:
        """Make it static everywhere; a later call may give a better summary."""
        with self._lock:
            self._ended = True
        self._halt()
        self._end(self._final(self.feed.value, summary))

    def withdraw(self) -> None:
        """Leave nothing of it to be seen, in the saved notebook an empty output."""
        with self._lock:
            self._ended = True
        self._halt()
        self._end(NOTHING)

    def _halt(self) -> None:
        self._worker.request_stop()
        self.feed.wake()
        self._worker.stop(STOP_SECONDS)

    def _end(self, bundle: Mapping[str, str]) -> None:
        with self._lock:
            self._ended = True
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
        widget = ViewWidget(self._drawing.module, self._heard)
        self._allowance.spend(widget.size)
        return widget

    def _heard(self, said: Mapping[str, Any]) -> None:
        """Note what a front end wants and return: all widgets share one thread for what the browser says."""
        if said.get("ask") == "keyframe":
            self._asked.set()
            self.feed.wake()
        elif "do" in said and self._actions is not None:
            self._actions.take(said, self._answer)

    def _answer(self, answer: Mapping[str, Any]) -> None:
        """Say what came of an action; a view that has ended says it by its last line."""
        with self._lock:
            widget, contexts = self._widget, list(self._displays.values())
        if widget is not None:
            self._allowance.spend(size(answer), asked=True)
            contexts[0].apart(lambda: widget.show(answer))

    def _follow(self, stop: StopFlag) -> None:
        def called() -> bool:
            return stop.is_set() or self._asked.is_set()

        version = -1
        while not stop.is_set():
            version, value = self.feed.wait_newer(version, self._idle(), called)
            # What is new may have to wait; meanwhile something newer takes its place.
            while not (self.feed.closed or called()) and (wait := self._wait(value)) > 0:
                version, value = self.feed.wait_newer(version, wait, called)
            if stop.is_set():
                return
            if self.feed.closed:
                self._end(self._final(self.feed.value, ""))
                return
            self._push(self.feed.value)
            stop.wait(FRAME_SECONDS)

    def _idle(self) -> float:
        """Seconds after which it is drawn again although nothing is new; a widget counts by itself."""
        ticks = not self._drawable and self._drawing.ticks(self.feed.value)
        return TICK_SECONDS if ticks else IDLE_SECONDS

    def _wait(self, value: T) -> float:
        """Seconds until a value may be shown: text has a pace of its own, and all views one allowance."""
        pushed = self._pushed
        if pushed is not None and self._drawing.news(pushed, value):
            return self._allowance.wait(urgent=True)
        due = 0.0 if self._drawable else self._text_at + TEXT_SECONDS - time.monotonic()
        return max(due, self._allowance.wait())

    def _push(self, value: T) -> None:
        """Send what is new."""
        with self._lock:
            if self._ended:
                return
            asked = self._asked.is_set()
            self._asked.clear()
            if asked and not self._drawable and self._widget is not None:
                self._drawable = True
                self._renew(value)
            self._pushed = value
            if self._drawable:
                self._tell(value, everything=asked)
            else:
                self._renew(value)

    def _tell(self, value: T, *, everything: bool) -> None:
        """Send a delta, or a keyframe to whoever asked or where that is smaller, or nothing."""
        seq = self._sent["seq"] + 1 if self._sent is not None else 1
        frame = self._drawing.frame(value, seq, self._now(), self._sent)
        said = message(None if everything else self._sent, frame)
        if said is None:
            return
        self._sent = frame
        self._allowance.spend(size(said), asked=everything)
        next(iter(self._displays.values())).apart(lambda: self._widget.show(said))

    def _renew(self, value: T) -> None:
        self._text_at = time.monotonic()
        bundle = self._bundle(value)
        for display_id, context in self._displays.items():
            self._spend(bundle)
            context.update(bundle, display_id)

    def _spend(self, bundle: Mapping[str, Any]) -> None:
        parts = sum(len(part) for part in bundle.values() if isinstance(part, str))
        self._allowance.spend(parts + PARENT)

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
        line = summary or self._drawing.summary(value)
        return _static(line, self._drawing.detail(value), trouble=self._drawing.trouble(value))

    def _died(self, error: BaseException) -> None:
        try:
            value = self.feed.value
            self._end(self._final(value, f"{self._drawing.summary(value)} (this view ended: {error})"))
        except Exception:
            # The display itself is what fails (a kernel on its way out): there is nowhere left to say it.
            logger.debug("the view's last line could not be shown", exc_info=True)


def _static(summary: str, detail: str = "", *, trouble: bool) -> dict[str, str]:
    """What stays in a saved notebook."""
    return {"text/plain": summary, "text/html": summary_html(summary, detail, trouble=trouble)}
