"""Undoing a session step by step, with what could not be undone collected instead of raised."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack

logger = logging.getLogger(__name__)


class Undo:
    """A stack of undo steps. Each runs once, the last first; a step that fails stops no other.

    Examples
    --------
    >>> undo = Undo()
    >>> undo.push("close the door", lambda: print("closed"))
    >>> undo.run()
    closed
    []
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._failures: dict[str, str] = {}

    def push(self, doing: str, step: Callable[[], object]) -> None:
        """Remember how to undo what was just done; ``doing`` says it in words, ``delete the Secret``."""
        self._stack.callback(self._run_step, doing, step)

    def run(self) -> list[str]:
        """Undo everything; returns what failed, in words. A second call finds nothing to do."""
        self._stack.close()
        failures, self._failures = self._failures, {}
        return [f"could not {doing}: {reason}" for doing, reason in failures.items()]

    def failed(self, *steps: str) -> bool:
        """Whether one of these steps has failed, for those that come after it."""
        return any(step in self._failures for step in steps)

    def _run_step(self, doing: str, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # whatever it is, the other steps must run: it is collected
            logger.debug("could not %s", doing, exc_info=True)
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._failures[doing] = reason.rstrip(".")
