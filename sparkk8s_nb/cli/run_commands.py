"""``sparkk8s-nb run`` and ``shell``: a session around a script, a notebook or a prompt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sparkk8s_nb.cli.output import JSON_FLAG, Output
from sparkk8s_nb.cli.run_notebook import run_notebook
from sparkk8s_nb.cli.run_script import run_script
from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.draft import StartLine
from sparkk8s_nb.model.option_help import options_help
from sparkk8s_nb.model.options import BY_FLAG
from sparkk8s_nb.model.startline import split_start

RUN_USAGE = "sparkk8s-nb run [start options] [--output FILE] SCRIPT.py|NOTEBOOK.ipynb [arguments]"
SHELL_USAGE = "sparkk8s-nb shell [start options]"


def run(words: Sequence[str], _: Output) -> int:
    """Start, run a script or notebook, always stop; returns its exit code."""
    if not words or words[0] in {"-h", "--help"}:
        print(f"usage: {RUN_USAGE}\n\n{options_help()}")
        return 0
    before, output = _take_output(words)
    found = split_start(before, flags=(JSON_FLAG,))
    if not found.rest:
        raise UsageError("run needs a script or a notebook.", fix=f"usage: {RUN_USAGE}")
    path, arguments = Path(found.rest[0]), found.rest[1:]
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", fix=f"usage: {RUN_USAGE}")
    if path.suffix == ".ipynb":
        tail, late = _take_output(arguments)
        if tail:
            raise UsageError(f"A notebook takes no arguments: {tail[0]}.", fix=f"usage: {RUN_USAGE}")
        start_words = [word for word in before[: len(before) - len(found.rest)] if word != JSON_FLAG]
        return run_notebook(path, start_words, output=late or output)
    if path.suffix != ".py":
        raise UsageError(f"{path} is neither a script nor a notebook.", fix=f"usage: {RUN_USAGE}")
    if output is not None:
        raise UsageError("--output is for notebooks.", fix=f"usage: {RUN_USAGE}")
    return run_script(path, arguments, found.line)


def shell(words: Sequence[str], _: Output) -> int:
    """IPython with a started session."""
    if words and words[0] in {"-h", "--help"}:
        print(f"usage: {SHELL_USAGE}\n\n{options_help()}")
        return 0
    found = split_start(words)
    if found.rest:
        raise UsageError(f"shell does not take {found.rest[0]}.", fix=f"usage: {SHELL_USAGE}")
    return _ipython(found.line, list(words))


def _ipython(_: StartLine, words: list[str]) -> int:
    """The words are checked already; the magic in the shell reads them again."""
    from IPython.terminal.ipapp import TerminalIPythonApp
    from traitlets.config import Config

    config = Config()
    config.InteractiveShellApp.extensions = ["sparkk8s_nb"]
    config.InteractiveShellApp.exec_lines = [f"%sparkk8s start {' '.join(map(_quoted, words))}".strip()]
    config.TerminalInteractiveShell.confirm_exit = False
    os.environ.pop("SPARKK8S_START", None)
    app = TerminalIPythonApp.instance(config=config)
    app.initialize([])
    app.start()
    return 0


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)


def _take_output(words: Sequence[str]) -> tuple[list[str], Path | None]:
    """Take ``--output FILE`` (or ``-o FILE``) out, wherever it stands before a script's own words."""
    rest: list[str] = []
    output: Path | None = None
    waiting = iter(words)
    for word in waiting:
        if word in {"--output", "-o"} or word.startswith("--output="):
            file = word.partition("=")[2] if "=" in word else next(waiting, "")
            if not file:
                raise UsageError("--output needs a file.", fix=f"usage: {RUN_USAGE}")
            output = Path(file)
            continue
        rest.append(word)
        option = BY_FLAG.get(word)
        if option is not None and not option.switch:
            rest += [value for value in [next(waiting, None)] if value is not None]
        elif word.endswith(".py"):
            break
    return [*rest, *waiting], output
