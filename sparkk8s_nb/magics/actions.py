"""What each command does: asks the session, shows the answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.magics import commands
from sparkk8s_nb.magics.answers import Answers
from sparkk8s_nb.magics.conf_command import change_conf, conf_table
from sparkk8s_nb.magics.helptext import help_text
from sparkk8s_nb.magics.live_session import view_info
from sparkk8s_nb.magics.log_view import follow_log
from sparkk8s_nb.magics.namespace import Namespace
from sparkk8s_nb.magics.sentences import started_sentence
from sparkk8s_nb.model.paths import runtime_dir, state_dir
from sparkk8s_nb.model.settings import profile_names
from sparkk8s_nb.session import starting
from sparkk8s_nb.session.listing import (
    SWEEP_QUESTION,
    SessionRow,
    list_contexts,
    list_sessions,
    sweep,
    watching_line,
)
from sparkk8s_nb.session.registry import Registry
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.session.settings_files import load_layers
from sparkk8s_nb.session.targets import known_contexts
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.environment import Home, detect
from sparkk8s_nb.views.question import ask
from sparkk8s_nb.views.show import Shown, show_fleet, show_streams
from sparkk8s_nb.views.tables import show_link, show_table
from sparkk8s_nb.views.text import fleet_text, streams_text


class Actions:
    """Carries out commands for one shell.

    Parameters
    ----------
    registry : Registry
    namespace : Namespace
        Where ``spark`` and ``sc`` go.
    answers : Answers
        Does what views' buttons can do too.
    buttons : ActionWorker
        Takes what the views' buttons want done.
    """

    def __init__(
        self, registry: Registry, namespace: Namespace, answers: Answers, buttons: ActionWorker
    ) -> None:
        self._registry = registry
        self._namespace = namespace
        self._answers = answers
        self._buttons = buttons

    def run(self, command: commands.Command) -> None:
        """Carry out one command.

        Raises
        ------
        SparkK8sError
            Every failure: Run All stops there.
        """
        match command:
            case commands.Start():
                self._start(command)
            case commands.Logs():
                self._logs(command)
            case commands.Gc():
                self._gc(command)
            case commands.Conf():
                self._conf(command)
            case commands.Help(topic=topic):
                print(help_text(topic))  # noqa: T201 - a command's answer
            case _:
                self._plain(command)

    def _plain(self, command: commands.Command) -> None:
        """Commands without anything to them but an answer."""
        match command:
            case commands.Overview() if self._registry.current is None:
                print("No Spark session runs in this kernel. Start one: %sparkk8s start")  # noqa: T201
            case commands.Overview() | commands.Status():
                self._status()
            case commands.Ps():
                show_table([row.as_dict() for row in list_sessions()], "No sessions.")
            case commands.Contexts():
                show_table([asdict(row) for row in list_contexts()], "No clusters.", private=True)
            case commands.Ui(last=last):
                self._ui(last=last)
            case commands.Scale():
                print(self._answers.scale(command))  # noqa: T201
            case commands.Cancel():
                print(self._answers.cancel(command))  # noqa: T201
            case commands.Stop():
                print(self._answers.stop())  # noqa: T201

    def _start(self, command: commands.Start) -> None:
        made: list[Session] = []

        def show(session: Session) -> None:
            made.append(session)
            self._show(session)

        try:
            started = starting.start(command.line, on_made=show)
        except BaseException as error:
            if made:  # else the views are those of a session that goes on
                self._answers.end_views(error.problem if isinstance(error, SparkK8sError) else "")
            raise
        session = started.session
        spark = session.spark
        taken = self._namespace.offer({"spark": spark, "sc": spark.sparkContext})
        if started.news:
            print(started.news)  # noqa: T201
            return
        for view in self._answers.views:
            view.settle()
        print(started_sentence(session, taken))  # noqa: T201

    def _show(self, session: Session) -> None:
        self._answers.views = [self._shown_fleet(session)]

    def _shown_fleet(self, session: Session) -> Shown:
        return show_fleet(session.fleet_feed, view_info(session), actions=self._buttons)

    def _status(self) -> None:
        session = self._registry.require()
        verdict = session.why()
        if detect().home is Home.KERNEL:
            view = self._shown_fleet(session)
            if view not in self._answers.views:
                self._answers.views.append(view)
            if session.streams:
                self._answers.streams = show_streams(session.streams_feed)
        else:
            print(fleet_text(session.fleet, session.now()))  # noqa: T201
            if session.streams:
                print(streams_text(session.streams))  # noqa: T201
        if verdict is not None:
            print(verdict)  # noqa: T201

    def _logs(self, command: commands.Logs) -> None:
        read = self._answers.log(command)
        if command.follow and detect().home is Home.KERNEL:
            session = self._registry.require()
            follow_log(read, until=lambda: session.closed)
            return
        print(read() or "The log is empty.")  # noqa: T201

    def _ui(self, *, last: bool) -> None:
        from sparkk8s_nb.server.ui_link import past_link, ui_link

        if last:
            runtime, state = runtime_dir(os.environ, os.getuid()), state_dir(os.environ, Path.home())
            show_link("Spark UI of the last session", past_link(runtime, state, os.environ))
        else:
            show_link("Spark UI", ui_link(self._registry.require().place.record, os.environ))

    def _gc(self, command: commands.Gc) -> None:
        watched = []

        def watching(waiting: int, left: float) -> None:
            watched.append(waiting)
            _tell_watching(waiting, left)

        def consent(dead: Sequence[SessionRow]) -> bool | None:
            if watched:
                print()  # noqa: T201 - ends the line that tells of the watch
            show_table([row.as_dict() for row in dead], "")
            return True if command.yes else ask(SWEEP_QUESTION)

        found = sweep(consent=consent, all_users=command.all_users, watch=watching if command.watch else None)
        if found.failures:
            raise SparkK8sError(found.outcome(""), fix="Try again in a moment.")
        print(found.outcome("%sparkk8s gc --yes"))  # noqa: T201

    def _conf(self, command: commands.Conf) -> None:
        session = self._registry.current
        settings = self._registry.settings if session is not None else None
        if command.value is not None:
            print(change_conf(self._registry.require(), command.key, command.value))  # noqa: T201
        else:
            saved = detect().home is Home.KERNEL
            rows = conf_table(settings or starting.settings_for(), session, command.key, saved=saved)
            show_table(rows, "No settings.")


def completion_sources(registry: Registry) -> dict[str, Callable[[], Iterable[str]]]:
    """Where completion finds names; each answers with nothing where it cannot know."""

    def quiet(names: Callable[[], Iterable[str]]) -> Callable[[], Iterable[str]]:
        def ask() -> Iterable[str]:
            try:
                return list(names())
            except SparkK8sError:
                return []  # completion is no place for errors: the command itself will tell

        return ask

    def executors() -> Iterable[str]:
        session = registry.current
        return [] if session is None else [view.id for view in session.fleet.executors]

    return {
        "contexts": quiet(lambda: ["embedded", *(info.name for info in known_contexts(os.environ))]),
        "profiles": quiet(lambda: profile_names(load_layers(os.environ, Path.home(), Path.cwd()))),
        "executors": quiet(executors),
    }


def _tell_watching(waiting: int, left: float) -> None:
    """One line that is written again and again, of one length."""
    line = f"{watching_line(waiting, left)} The stop button ends it."
    print(f"\r{line:<130}", end="", flush=True)  # noqa: T201 - a command's answer
