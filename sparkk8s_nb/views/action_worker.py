"""Actions that views ask for: taken at once, carried out one after the other on a thread of their own.

All widgets share one thread for what the browser says, and a user's callback may hold it up: whoever hears of
an action only queues it here. It may be heard of twice, from the view and through Jupyter's server: an action
has an id and is carried out once.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sparkk8s_nb.model.wire import ID_LENGTH
from sparkk8s_nb.telemetry.worker import StopFlag, Worker

logger = logging.getLogger(__name__)

Message = Mapping[str, Any]
Answer = Callable[[Message], object]
"""Sends a message to whoever asked; any thread may call it."""

REMEMBERED = 100
"""So many actions are known by their ids."""

WAITING = 20
"""So many may wait; somebody holds a key down."""


@dataclass(slots=True)
class _Action:
    message: Message
    answers: list[Answer] = field(default_factory=list)
    outcome: Message | None = None


class ActionWorker:
    """Takes actions and answers them: ``{"heard": id}`` at once, ``{"done": id, ...}`` when it is.

    There is no thread while nothing is to be done.

    Parameters
    ----------
    carry_out : callable
        Does what a message says and returns what came of it: ``said``, ``lines``, or ``problem`` and ``fix``.

    Examples
    --------
    >>> worker = ActionWorker(lambda message: {"said": f"{message['do']} is done."})
    >>> worker.take({"do": "stop", "id": "a1"}, print); worker.join(5.0)
    {'heard': 'a1'}
    {'done': 'a1', 'said': 'stop is done.'}
    True
    """

    def __init__(self, carry_out: Callable[[Message], Message]) -> None:
        self._carry_out = carry_out
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Action] = OrderedDict()
        self._waiting: deque[_Action] = deque()
        self._idle = threading.Event()
        self._idle.set()
        self._worker: Worker | None = None

    def take(self, message: Message, answer: Answer) -> None:
        """Queue an action and return.

        Parameters
        ----------
        message : mapping
            With ``do`` and ``id``, as the front end sent it.
        answer : callable
        """
        number = message.get("id")
        if not isinstance(number, str) or not 0 < len(number) <= ID_LENGTH:
            answer({"done": None, "problem": "The action has no id.", "fix": "Reload the page."})
            return
        action, new = self._action(number, message)
        try:
            answer({"heard": number})
        finally:
            if action is None:
                answer(
                    {"done": number, "problem": "Too many actions wait.", "fix": "Wait for their answers."}
                )
            else:
                self._answer_when_done(action, answer)
                if new:
                    self._queue(action)

    def _action(self, number: str, message: Message) -> tuple[_Action | None, bool]:
        """The action of that id, and whether it is a new one; None if there is no room for it."""
        with self._lock:
            if action := self._known.get(number):
                return action, False
            if len(self._waiting) >= WAITING:
                return None, False
            action = self._known[number] = _Action(message)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            return action, True

    def _answer_when_done(self, action: _Action, answer: Answer) -> None:
        with self._lock:
            outcome = action.outcome
            if outcome is None:
                action.answers.append(answer)
        if outcome is not None:
            answer({"done": action.message["id"], **outcome})

    def join(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until nothing is to be done; returns whether that is so."""
        return self._idle.wait(timeout)

    def close(self) -> None:
        """Begin no further action."""
        with self._lock:
            self._waiting.clear()
            if self._worker is not None:
                self._worker.request_stop()

    def _queue(self, action: _Action) -> None:
        with self._lock:
            self._waiting.append(action)
            self._idle.clear()
            if self._worker is None:
                self._worker = Worker("actions", self._work, on_death=self._died)
                self._worker.start()

    def _work(self, stop: StopFlag) -> None:
        while True:
            with self._lock:
                if stop.is_set() or not self._waiting:
                    self._worker = None
                    self._idle.set()
                    return
                action = self._waiting.popleft()
            self._finish(action)

    def _finish(self, action: _Action) -> None:
        outcome = self._outcome(action.message)
        with self._lock:
            action.outcome = outcome
            answers, action.answers = action.answers, []
        for answer in answers:
            answer({"done": action.message["id"], **outcome})

    def _outcome(self, message: Message) -> Message:
        try:
            return self._carry_out(message)
        except Exception as error:
            # Whoever pressed the button waits for an answer, also where the fault is ours.
            logger.warning("an action failed", exc_info=True)
            return {"problem": f"That failed: {error}", "fix": "%sparkk8s logs driver may tell more."}

    def _died(self, error: BaseException) -> None:
        """An answer could not be sent: the kernel is on its way out, or the next action gets a new thread."""
        logger.debug("the thread of the actions ended: %s", error)
        with self._lock:
            self._worker = None
            self._idle.set()
