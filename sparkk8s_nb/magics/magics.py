"""``%sparkk8s`` and ``%%sparkk8s``, and the views' comm: registered, parsed, handed on. Nothing is decided here."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class

from sparkk8s_nb.magics import actions, commands
from sparkk8s_nb.magics.answers import Answers
from sparkk8s_nb.magics.completion import Sources, make_matcher
from sparkk8s_nb.magics.help_transform import ask_for_help
from sparkk8s_nb.magics.helptext import help_text
from sparkk8s_nb.magics.hooks import CellHooks
from sparkk8s_nb.magics.live_session import LiveSession
from sparkk8s_nb.magics.namespace import Namespace
from sparkk8s_nb.magics.view_actions import ViewActions
from sparkk8s_nb.session.registry import registry
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.session_comm import SessionComm

ATTRIBUTE = "_sparkk8s_nb"


@magics_class
class SparkK8sMagics(Magics):
    """The magic of one shell."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        namespace = Namespace(shell.user_ns)
        answers = Answers(registry, namespace)
        self.buttons = ActionWorker(ViewActions(registry, answers).carry_out)
        self.hooks = CellHooks(shell, registry, self.buttons)
        self.actions = actions.Actions(registry, namespace, answers, self.buttons)
        self.comm = SessionComm(LiveSession(registry), self.buttons)

    @line_cell_magic
    def sparkk8s(self, line: str, cell: str | None = None) -> None:
        """Apache Spark on Kubernetes."""
        self.actions.run(commands.parse(line, cell))


def load(ip: Any) -> None:
    """Register magic, completion, help and hooks with a shell; a second time does nothing."""
    if getattr(ip, ATTRIBUTE, None) is not None:
        return
    magics = SparkK8sMagics(ip)
    SparkK8sMagics.sparkk8s.__doc__ = help_text()
    ip.register_magics(magics)
    magics.hooks.register()
    magics.comm.register()
    matcher = make_matcher(Sources(**actions.completion_sources(registry)))
    ip.Completer.custom_matchers.append(matcher)
    ip.input_transformers_cleanup.append(ask_for_help)
    setattr(ip, ATTRIBUTE, (magics, matcher))


def unload(ip: Any) -> None:
    """Take everything away again and stop the session."""
    loaded = getattr(ip, ATTRIBUTE, None)
    if loaded is None:
        return
    magics, matcher = loaded
    if registry.current is not None:
        magics.actions.run(commands.Stop())
    magics.hooks.unregister()
    magics.comm.unregister()
    magics.buttons.close()
    ip.Completer.custom_matchers.remove(matcher)
    ip.input_transformers_cleanup.remove(ask_for_help)
    ip.magics_manager.magics["line"].pop("sparkk8s", None)
    ip.magics_manager.magics["cell"].pop("sparkk8s", None)
    delattr(ip, ATTRIBUTE)
