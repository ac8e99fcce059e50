"""What a view's button means: a command of the magic, answered with the magic's words."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from sparkk8s_nb.errors import NoSessionError, SessionError, SparkK8sError, UsageError
from sparkk8s_nb.magics import commands
from sparkk8s_nb.magics.answers import Answers
from sparkk8s_nb.session.registry import Registry

LOG_LINES = 200
LONGEST_LINE = 500

Message = Mapping[str, Any]


class ViewActions:
    """Carries out messages of views: ``scale``, ``cancel``, ``cancel_all``, ``stop``, ``log``.

    Parameters
    ----------
    registry : Registry
    answers : Answers
    """

    def __init__(self, registry: Registry, answers: Answers) -> None:
        self._registry = registry
        self._answers = answers
        self._known: Mapping[str, Callable[[Message], Message]] = {
            "scale": self._scale,
            "cancel": self._cancel,
            "cancel_all": self._cancel_all,
            "stop": self._stop,
            "log": self._log,
        }

    def carry_out(self, message: Message) -> Message:
        """Do what a message says; what came of it, also where that is an error.

        Parameters
        ----------
        message : mapping
            ``{"do": "scale", "executors": 4}``, ``{"do": "cancel", "tag": "<of one execution of a cell>"}``,
            ``{"do": "cancel", "cell": "<the front end's id of a cell, or a count>"}``, ``{"do": "cancel_all"}``,
            ``{"do": "stop"}``, ``{"do": "log", "executor": "3"}``.

        Returns
        -------
        mapping
            With ``said``, or ``lines``, or ``problem`` and ``fix``.
        """
        try:
            act = self._known.get(str(message.get("do")))
            if act is None:
                raise UsageError(
                    "This kernel does not know what the page wants done.",
                    fix="Restart the kernel: its sparkk8s_nb is older than the page's.",
                )
            self._require_open()
            return act(message)
        except SparkK8sError as error:
            return {"problem": error.problem, "fix": error.fix}

    def _require_open(self) -> None:
        """A session that still starts is none that could be asked; its cell can be interrupted."""
        try:
            self._registry.require()
        except NoSessionError as error:
            coming = self._registry.newest.value
            if coming is None or coming.closed or coming.state.over:
                raise
            raise SessionError(
                "The session is still starting.",
                fix="To end the start, interrupt its cell (the stop button).",
            ) from error

    def _scale(self, message: Message) -> Message:
        command = commands.parse(f"scale {shlex.quote(str(message.get('executors', '')))}")
        assert isinstance(command, commands.Scale)
        return {"said": self._answers.scale(command)}

    def _cancel(self, message: Message) -> Message:
        """A tag says which execution of which cell; two cells that run side by side may have one number."""
        tag, cell = message.get("tag"), message.get("cell")
        if not tag and isinstance(cell, int) and not isinstance(cell, bool):
            return {"said": self._answers.cancel(commands.Cancel(cell=cell))}
        cells = self._registry.require().cells
        found = None
        if isinstance(tag, str) and tag:
            found = cells.with_tag(tag)
        elif isinstance(cell, str) and not tag:
            found = cells.newest(cell)
        if found is None:
            raise UsageError(
                "That cell has not run in this session.", fix="Reload the page if it shows it as running."
            )
        return {"said": self._answers.cancel_execution(found)}

    def _cancel_all(self, _: Message) -> Message:
        return {"said": self._answers.cancel(commands.Cancel(everything=True))}

    def _stop(self, _: Message) -> Message:
        """Jobs are cancelled first, so that a cell that waits for one ends as with the stop button."""
        session = self._registry.require()
        # A driver that is gone runs nothing; to stop is right all the more.
        with contextlib.suppress(SparkK8sError):
            session.cancel()
        return {"said": self._answers.stop()}

    def _log(self, message: Message) -> Message:
        target = message.get("executor")
        if not isinstance(target, str) or not target:
            raise UsageError("Whose log?", fix="Reload the page.")
        text = self._answers.log(commands.Logs(target=target, tail=LOG_LINES))()
        return {"lines": [line[:LONGEST_LINE] for line in text.splitlines()[-LOG_LINES:]]}
