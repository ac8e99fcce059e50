"""What commands that change something do, and what they say then: the same for the magic and for a view's button."""

from __future__ import annotations

from collections.abc import Callable

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.localfiles import tail
from sparkk8s_nb.magics import commands
from sparkk8s_nb.magics.namespace import Namespace
from sparkk8s_nb.magics.sentences import cancelled_sentence
from sparkk8s_nb.model.cells import CellMetrics
from sparkk8s_nb.session.registry import Registry
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.views.show import Shown

LOG_LINES = 100


class Answers:
    """Does what is asked of the session and returns what to say. Any thread may call it.

    Parameters
    ----------
    registry : Registry
    namespace : Namespace
        Where ``spark`` and ``sc`` are; they go with the session.
    """

    def __init__(self, registry: Registry, namespace: Namespace) -> None:
        self._registry = registry
        self._namespace = namespace
        self.views: list[Shown] = []
        """Views of the session that end with it, by the same last line."""
        self.streams: Shown | None = None
        """The view of its streaming queries, whose last line is its own."""

    def scale(self, command: commands.Scale) -> str:
        """Have another number of executors.

        Raises
        ------
        SparkK8sError
        """
        session = self._registry.require()
        before = session.fleet.wanted
        session.scale(command.count)
        return f"Scaling from {before} to {command.count} executors."

    def cancel(self, command: commands.Cancel) -> str:
        """Cancel the jobs of a cell, or all.

        Raises
        ------
        SparkK8sError
        """
        session = self._registry.require()
        if command.everything:
            return cancelled_sentence(session.cancel(), "any cell")
        if command.cell is None:
            raise UsageError(
                "Cancel what?", fix="Write %sparkk8s cancel 5 for the jobs of cell [5], or cancel --all."
            )
        return cancelled_sentence(session.cancel(command.cell), f"cell [{command.cell}]")

    def cancel_execution(self, cell: CellMetrics) -> str:
        """Cancel the jobs of one execution of a cell, and not of another one with the same number.

        Raises
        ------
        SparkK8sError
        """
        return cancelled_sentence(self._registry.require().cancel(tag=cell.tag), f"cell [{cell.count}]")

    def stop(self) -> str:
        """Stop the session; its views end with what it cost.

        Raises
        ------
        NoSessionError
        """
        summary = self._registry.require().stop()
        self._namespace.withdraw()
        self.end_views(summary)
        return summary

    def end_views(self, summary: str) -> None:
        """End the session's views with one line; empty leaves it to them."""
        views, self.views = self.views, []
        streams, self.streams = self.streams, None
        for view in views:
            view.finish(summary)
        if streams is not None:
            streams.finish()

    def log(self, command: commands.Logs) -> Callable[[], str]:
        """Return what reads the log that is asked for.

        Raises
        ------
        SparkK8sError
            If nobody can know whose.
        """
        session = self._registry.require()
        target, lines = command.target, command.tail or LOG_LINES
        if target == commands.DRIVER:
            return lambda: tail(session.place.driver_log, lines) or tail(session.place.driver_output, lines)
        return lambda: session.log_of(target or _only_executor(session), lines)


def _only_executor(session: Session) -> str:
    executors = session.fleet.executors
    if len(executors) == 1:
        return executors[0].id
    known = ", ".join(view.id for view in executors)
    raise UsageError(
        "Whose log?",
        fix=f"Write %sparkk8s logs driver, or logs N with one of: {known or 'no executors yet'}.",
    )
