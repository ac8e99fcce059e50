"""``sparkk8s-nb COMMAND``: reads the words, calls the command, turns errors into two lines and an exit code.

Exit codes: a script's own; 0 done; 1 it failed; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from sparkk8s_nb.cli import (
    cluster_commands,
    manifests_command,
    prepare_command,
    run_commands,
    session_commands,
    ui_command,
)
from sparkk8s_nb.cli.output import Output
from sparkk8s_nb.errors import SparkK8sError, UsageError
from sparkk8s_nb.model.suggest import did_you_mean
from sparkk8s_nb.version import __version__

HELP = """\
Apache Spark on Kubernetes, from a line.

usage: sparkk8s-nb COMMAND [options]

  run [start options] SCRIPT.py|NOTEBOOK.ipynb [arguments]
                      start, run it, stop whatever happens; exits with its code
                      (a notebook: --output FILE writes it with its results)
  shell [start options]
                      IPython with a session: spark and sc are there
  ps [--all-users]    sessions
  gc [--yes] [--all-users] [--watch]
                      sessions whose kernel is proven dead: shown, and removed
                      if you say so; --yes does not ask; --watch: also those
                      whose Lease nobody renews for 15 minutes of watching
  contexts            clusters to choose from
  ui [SESSION] | --last
                      a link to the Spark UI; --last: of the session that stopped
                      last, made again from its event log
  cluster up|down|status|kubeconfig
                      the cluster of this machine
  manifests rbac|reaper|policy|network [options]
                      YAML for administrators to apply
  prepare             make archives of Spark's classes now, for faster starts
                      (else a first start makes them in its background)
  version             this program's version

--json after any command prints JSON. The start options are those of %sparkk8s start:
sparkk8s-nb run --help lists them.
"""

Command = Callable[[Sequence[str], Output], int]

COMMANDS: Mapping[str, Command] = {
    "run": run_commands.run,
    "shell": run_commands.shell,
    "ps": session_commands.ps,
    "gc": session_commands.gc,
    "contexts": session_commands.contexts,
    "ui": ui_command.ui,
    "cluster": cluster_commands.cluster,
    "manifests": manifests_command.manifests,
    "prepare": prepare_command.prepare,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        code = _dispatch(given)
        sys.stdout.flush()  # a reader that is gone is met here, not at the interpreter's exit
    except SparkK8sError as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read us has enough (head, less). What is still buffered goes nowhere: the interpreter would
        # complain of it at its exit (Python's documentation of SIGPIPE).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help", "help"}:
        print(HELP, end="")
        return 0
    name, rest = words[0], words[1:]
    if name in {"version", "--version"}:
        print(f"sparkk8s-nb {__version__}")
        return 0
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(
            f"There is no command {name}.",
            fix=did_you_mean(name, COMMANDS, otherwise="See sparkk8s-nb --help."),
        )
    return command(rest, Output.from_words(rest))


if __name__ == "__main__":
    sys.exit(main())
