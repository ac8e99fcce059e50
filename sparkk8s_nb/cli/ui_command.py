"""``sparkk8s-nb ui``: a link to the Spark UI of a session, or of one that has stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sparkk8s_nb.cli.output import Output, only_flags
from sparkk8s_nb.errors import NoSessionError, UsageError
from sparkk8s_nb.model.paths import runtime_dir, state_dir
from sparkk8s_nb.server.local_ui import open_ui
from sparkk8s_nb.server.records import own_session, own_sessions
from sparkk8s_nb.server.ui_link import past_link

USAGE = "sparkk8s-nb ui [SESSION] | --last"


def ui(words: Sequence[str], output: Output) -> int:
    """Print a link of 127.0.0.1, which opens once within five minutes."""
    names = [word for word in words if not word.startswith("-")]
    flags = only_flags([word for word in words if word not in names], ("--last",), USAGE)
    if len(names) > 1 or (names and "--last" in flags):
        raise UsageError("ui takes one session, or --last.", fix=f"usage: {USAGE}")
    runtime = runtime_dir(os.environ, os.getuid())
    if "--last" in flags:
        url = past_link(runtime, state_dir(os.environ, Path.home()), os.environ, local=True)
    else:
        name = names[0] if names else _only_session(runtime)
        url = open_ui(own_session(runtime, name).file).url
    output.show({"url": url}, url)
    return 0


def _only_session(runtime: Path) -> str:
    """The session's name, where there is one; one that still starts counts where none runs."""
    records = [own.record for own in own_sessions(runtime).sessions if not own.dead]
    living = [record.name for record in [one for one in records if not one.starting] or records]
    if not living:
        raise NoSessionError(
            "No session of yours runs on this machine.", fix="For one that has stopped: sparkk8s-nb ui --last"
        )
    if len(living) > 1:
        raise UsageError(f"You have {len(living)} sessions here.", fix=f"Name one: {', '.join(living)}")
    return living[0]
