"""Help on ``%sparkk8s``, written from the tables of commands and options; for notebooks and terminals."""

from __future__ import annotations

import textwrap

from sparkk8s_nb.magics.grammar import COMMANDS, CommandSpec
from sparkk8s_nb.model.option_help import WIDTH, columns, options_help

_MAGIC = "%sparkk8s"
_START_CELL = """\
As a cell:
  %%sparkk8s start
  executors 4
  memory 8g                  # one option a line
  spark.sql.shuffle.partitions 8"""


def help_text(topic: str = "") -> str:
    """Return help on one command, or on all of them where ``topic`` is empty.

    Parameters
    ----------
    topic : str
        A command's name.

    Examples
    --------
    >>> print(help_text("scale").splitlines()[0])
    %sparkk8s scale N
    """
    return _command_help(COMMANDS[topic]) if topic in COMMANDS else _overview()


def _overview() -> str:
    rows = columns((f"{s.name} {s.usage}".rstrip(), s.summary) for s in COMMANDS.values() if s.available)
    return "\n\n".join(
        [
            f"{_MAGIC} COMMAND: Apache Spark on Kubernetes from this notebook.",
            f"Commands:\n{rows}",
            f"Examples:\n{_examples('start -n 4 --memory 8g', 'scale 6', 'logs 3', 'stop')}",
            f"{_MAGIC} COMMAND --help says more, {_MAGIC} alone shows the session.",
        ]
    )


def _command_help(spec: CommandSpec) -> str:
    parts = [
        f"{_MAGIC} {spec.name} {spec.usage}".rstrip(),
        textwrap.fill(f"{spec.summary} {spec.detail}", WIDTH),
    ]
    if spec.name == "start":
        parts.append(options_help())
    elif spec.flags:
        rows = columns(
            (", ".join(f.flags) + (f" {f.metavar}" if f.metavar else ""), f.help) for f in spec.flags
        )
        parts.append(f"Options:\n{rows}")
    if spec.examples:
        parts.append(f"Examples:\n{_examples(*spec.examples)}")
    if spec.name == "start":
        parts.append(_START_CELL)
    return "\n\n".join(parts)


def _examples(*examples: str) -> str:
    return "\n".join(f"  {_MAGIC} {example}" for example in examples)
