"""``%sparkk8s`` as values: a line, or a line and a cell, becomes one command.

Pure: nothing is looked up, started or shown here. Every command is a frozen value that says what was asked;
what it means in the session's present state is decided by whoever carries it out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.magics.cellform import read_cell, split_words
from sparkk8s_nb.magics.grammar import COMMANDS, Given, read_given
from sparkk8s_nb.model.confs import owner_says
from sparkk8s_nb.model.draft import Draft, StartLine
from sparkk8s_nb.model.options import option_named
from sparkk8s_nb.model.quantities import parse_count
from sparkk8s_nb.model.startline import read_words, stray_word
from sparkk8s_nb.model.suggest import did_you_mean, nearest, shown

DRIVER = "driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The bare line: the session's state, or how to start one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a session.

    Parameters
    ----------
    line : StartLine
        Only what was said.
    """

    line: StartLine = field(default_factory=StartLine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Show the live view again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Change a fixed fleet to ``count`` executors, at least 1."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """Show a log.

    Parameters
    ----------
    target : str
        An executor's id, a pod's name, ``driver``; empty where none was named.
    tail : int or None
        Last lines to show; None is as many as are kept.
    follow : bool
    """

    target: str = ""
    tail: int | None = None
    follow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Cancel the jobs of one cell, by its execution count, or all; neither was said where both are unset."""

    cell: int | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ps:
    """List sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gc:
    """Sweep orphans: without asking, everybody's (an administrator's right), or after a watch over Leases."""

    yes: bool = False
    all_users: bool = False
    watch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """List the clusters to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ui:
    """Link to the Spark UI: of this session, or of the one that stopped last."""

    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """Show all settings, show one, or change one.

    Parameters
    ----------
    key : str
        An option's name or a Spark conf's; empty for all.
    value : str or None
        None where it is only to be shown.
    """

    key: str = ""
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """Help on one command, or on all where ``topic`` is empty."""

    topic: str = ""


Command = Overview | Start | Status | Scale | Logs | Cancel | Ps | Gc | Contexts | Ui | Conf | Stop | Help


def parse(line: str, cell: str | None = None) -> Command:
    """Read what follows ``%sparkk8s``, and the cell below ``%%sparkk8s start``.

    Parameters
    ----------
    line : str
        Quotes and backslashes as in a shell; ``#`` begins a comment.
    cell : str, optional
        The cell's text below the first line.

    Raises
    ------
    UsageError
        For anything that is not a command with options it has; never SystemExit.

    Examples
    --------
    >>> parse("scale 4")
    Scale(count=4)
    >>> parse("logs driver --tail 20")
    Logs(target='driver', tail=20, follow=False)
    """
    words = split_words(line)
    if not words:
        if cell is not None and cell.strip():
            raise UsageError("A cell needs a command.", fix="Write %%sparkk8s start above the options.")
        return Overview()
    name, rest = words[0], words[1:]
    if name in {"-h", "--help"}:
        return Help()
    spec = COMMANDS.get(name)
    if spec is None:
        raise _unknown(name, words)
    if cell is not None and cell.strip() and name != "start":
        raise UsageError(f"{name} has no cell form.", fix=f"Write %sparkk8s {line.strip()} with one % sign.")
    if {"-h", "--help"} & set(rest):
        return Help(topic=name)
    if not spec.available:
        raise UsageError(f"{name} is not available yet.", fix=spec.instead)
    if name == "start":
        return _start(rest, cell)
    if name == "conf":
        return _conf(rest)
    return _READERS[name](read_given(spec, rest))


def _unknown(name: str, words: Sequence[str]) -> UsageError:
    if name.startswith("-"):
        fix = f"Write %sparkk8s start {shlex.join(words)}"
    else:
        fix = did_you_mean(name, COMMANDS, otherwise="%sparkk8s help lists the commands.")
    return UsageError(f"{shown(name)} is not a command.", fix=fix)


def _start(words: Sequence[str], cell: str | None) -> Start:
    draft = Draft()
    rest, _ = read_words(draft, words)
    if rest:
        raise stray_word(rest[0])
    read_cell(draft, cell or "")
    return Start(line=draft.line())


def _conf(words: Sequence[str]) -> Conf:
    """Words are joined again: a value may hold blanks, and the line may have some around ``=``."""
    key, separator, value = " ".join(words).partition("=")
    key, value = key.strip(), value.strip()
    if " " in key or (separator and not key):
        raise UsageError(
            f"conf {shown(' '.join(words))} is neither a key nor KEY=VALUE.",
            fix="Write %sparkk8s conf spark.sql.shuffle.partitions=8",
        )
    if not separator:
        return Conf(key=key)
    if (instead := owner_says(key, value)) is not None:
        raise UsageError(f"The conf {key} is set by the toolkit.", fix=instead)
    if (option := option_named(key)) is not None:
        option.kind.read(value, f"{key}=")
    return Conf(key=key, value=value)


def _scale(given: Given) -> Scale:
    count = given.only("N", "4")
    return Scale(count=parse_count(count, option="scale", example="4", what="number of executors"))


def _logs(given: Given) -> Logs:
    target = given.at_most_one()
    if target and target != DRIVER and not re.search(r"\d", target) and nearest(target, [DRIVER]):
        raise UsageError(f"There is no executor {shown(target)}.", fix="Did you mean driver?")
    tail = given.values.get("--tail")
    return Logs(
        target=target,
        tail=None
        if tail is None
        else parse_count(tail, option="--tail", example="50", what="number of lines"),
        follow="-f" in given.switches,
    )


def _cancel(given: Given) -> Cancel:
    target, everything = given.at_most_one(), "--all" in given.switches
    if not target:
        return Cancel(everything=everything)
    found = re.fullmatch(r"(?:In\s*)?\[?(\d{1,9})\]?", target, re.IGNORECASE)
    if found is None:
        raise UsageError(
            f"{shown(target)} is not a cell's number.",
            fix="Write %sparkk8s cancel 5 for the cell marked [5].",
        )
    if everything:
        raise UsageError("cancel: one cell or --all, not both.", fix=f"Write %sparkk8s cancel {found[1]}")
    return Cancel(cell=int(found[1]))


def _help(given: Given) -> Help:
    topic = given.at_most_one()
    if topic and topic not in COMMANDS:
        raise _unknown(topic, [topic])
    return Help(topic=topic)


def _gc(given: Given) -> Gc:
    given.none()
    return Gc(
        yes="--yes" in given.switches,
        all_users="--all-users" in given.switches,
        watch="--watch" in given.switches,
    )


def _ui(given: Given) -> Ui:
    given.none()
    return Ui(last="--last" in given.switches)


def _bare(command: Command) -> Callable[[Given], Command]:
    def read(given: Given) -> Command:
        given.none()
        return command

    return read


_READERS: Mapping[str, Callable[[Given], Command]] = {
    "status": _bare(Status()),
    "scale": _scale,
    "logs": _logs,
    "cancel": _cancel,
    "ps": _bare(Ps()),
    "gc": _gc,
    "contexts": _bare(Contexts()),
    "ui": _ui,
    "stop": _bare(Stop()),
    "help": _help,
}
