"""A script with a session around it."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from sparkk8s_nb.model.draft import StartLine
from sparkk8s_nb.session import starting
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.views.show import show_fleet


def run_script(path: Path, arguments: Sequence[str], line: StartLine) -> int:
    """Start a session, run a Python script as ``python SCRIPT`` would, stop; returns the script's exit code.

    ``SparkSession.builder.getOrCreate()`` in the script returns the session. Its progress and the
    executors' coming go to standard error, so that standard output is the script's alone.
    """
    shown = []

    def show(session: Session) -> None:
        shown.append(show_fleet(session.fleet_feed, {"name": session.spec.name}))

    try:
        session = starting.start(line, on_made=show).session
    finally:
        for view in shown:
            view.settle()
    try:
        return _run(path, arguments)
    finally:
        # The script may have stopped Spark itself; the summary is the same.
        print(session.stop(), file=sys.stderr)


def _run(path: Path, arguments: Sequence[str]) -> int:
    argv, import_path = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as end:
        return _exit_code(end.code)
    except KeyboardInterrupt:
        return 130
    except BaseException:  # noqa: BLE001 - whatever the script raised is its own: shown, then an exit code
        traceback.print_exc()
        return 1
    finally:
        sys.argv, sys.path = argv, import_path
    return 0


def _exit_code(code: object) -> int:
    """As Python itself does: None is 0, a number itself, anything else is printed and 1."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1
