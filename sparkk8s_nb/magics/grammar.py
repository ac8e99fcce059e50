"""The commands of ``%sparkk8s``: one table for parsing, completion and help.

The options of ``start`` are not here: they have a table of their own in :mod:`sparkk8s_nb.model.options`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.suggest import did_you_mean, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A command's own option.

    Parameters
    ----------
    flags : tuple of str
        The first is the one it is known by.
    help : str
    metavar : str
        Empty for one that stands alone.
    example : str
    """

    flags: tuple[str, ...]
    help: str
    metavar: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """One command.

    Parameters
    ----------
    name : str
    usage : str
        What may follow the name.
    summary : str
        One sentence.
    detail : str
        Further sentences for its own help.
    flags : tuple of Flag
    examples : tuple of str
        What follows ``%sparkk8s``.
    available : bool
    instead : str
        What to do while it is not available.
    """

    name: str
    usage: str = ""
    summary: str
    detail: str = ""
    flags: tuple[Flag, ...] = ()
    examples: tuple[str, ...] = ()
    available: bool = True
    instead: str = ""


_SPECS = (
    CommandSpec(
        name="start", usage="[OPTIONS]", summary="Start a session: defines spark and sc, shows the live view.",
        detail="Returns when the first executor is there; the others join. A second start with the same options "
        "does nothing, with another -n it scales, with anything else it asks for --restart. As a cell, "
        "%%sparkk8s start takes one option a line: memory 4g.",
        examples=("start", "start -n 4 --memory 8g", "start --conf spark.sql.shuffle.partitions=8 --wait all",
                  "start --profile big --restart"),
    ),
    CommandSpec(
        name="status", summary="Show the live view, and what is wrong when something is.", examples=("status",),
    ),
    CommandSpec(
        name="scale", usage="N", summary="Change the fleet to N executors.",
        detail="Idle executors go first; busy ones finish what they run.", examples=("scale 4",),
    ),
    CommandSpec(
        name="logs", usage="[EXECUTOR|driver] [--tail N] [-f]", summary="Show the log of an executor or the driver.",
        detail="Of an executor that is dead the last 200 lines are kept.",
        flags=(
            Flag(flags=("--tail", "-n"), metavar="N", help="Only the last N lines.", example="50"),
            Flag(flags=("-f", "--follow"), help="Keep showing what comes; the cell returns at once."),
        ),
        examples=("logs 3", "logs driver --tail 50", "logs 3 -f"),
    ),
    CommandSpec(
        name="cancel", usage="[CELL|--all]", summary="Cancel jobs that run in the background.",
        detail="CELL is the number in a cell's brackets; jobs of threads that it started are cancelled with it. "
        "For the running cell use the stop button.",
        flags=(Flag(flags=("--all",), help="All jobs of the session."),), examples=("cancel 5", "cancel --all"),
    ),
    CommandSpec(
        name="doctor", summary="Check everything that a start needs, without starting (not available yet).",
        available=False, instead="%sparkk8s start makes the quick checks and says what is wrong.",
    ),
    CommandSpec(name="ps", summary="List the sessions, of this machine and in the cluster.", examples=("ps",)),
    CommandSpec(
        name="gc", usage="[--yes] [--all-users] [--watch]",
        summary="Show what dead sessions have left; ask, and remove it.",
        detail="Where nobody can be asked (papermill, a script) nothing is removed without --yes.",
        flags=(
            Flag(flags=("--yes", "-y"), help="Do not ask."),
            Flag(flags=("--all-users",), help="Everybody's; needs an administrator's rights."),
            Flag(
                flags=("--watch",),
                help="Also those held on other machines, if nobody renews them for the quarter of an hour that this "
                "watches them. The stop button ends it; nothing is removed then.",
            ),
        ),
        examples=("gc", "gc --yes", "gc --watch"),
    ),
    CommandSpec(name="contexts", summary="List the clusters to choose from.", examples=("contexts",)),
    CommandSpec(
        name="ui", usage="[--last]", summary="Link to the Spark UI of this session, or of one that has stopped.",
        detail="The UI of a stopped session is made again from its event log by Spark's own history server, which "
        "ends when nobody has looked for a quarter of an hour.",
        flags=(Flag(flags=("--last",), help="Of the session that stopped last."),),
        examples=("ui", "ui --last"),
    ),
    CommandSpec(
        name="conf", usage="[KEY|KEY=VALUE]", summary="Show the settings, where each comes from, or change one.",
        detail="KEY is an option's name or a Spark conf's. The table says what changes now and what at restart.",
        examples=("conf", "conf memory", "conf spark.sql.shuffle.partitions=8"),
    ),
    CommandSpec(name="stop", summary="Stop the session; nothing of it is left.", examples=("stop",)),
    CommandSpec(name="help", usage="[COMMAND]", summary="Show this, or help on one command.", examples=("help start",)),
)  # fmt: skip

COMMANDS: Mapping[str, CommandSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""All commands by name, in the order of help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A command's words, sorted.

    Parameters
    ----------
    spec : CommandSpec
    words : tuple of str
        Those that belong to no option.
    switches : frozenset of str
        Options without a value that were there, by their first flag.
    values : Mapping of str to str
        Options with a value, by their first flag.
    """

    spec: CommandSpec
    words: tuple[str, ...]
    switches: frozenset[str]
    values: Mapping[str, str]

    def none(self) -> None:
        """Raise UsageError if there is any word."""
        if self.words:
            raise self._error(f"{self.spec.name} does not know what {shown(self.words[0])} is for.")

    def at_most_one(self) -> str:
        """Return the one word, or nothing; raise UsageError if there are more."""
        if len(self.words) > 1:
            raise self._error(f"{self.spec.name} does not know what {shown(self.words[1])} is for.")
        return self.words[0] if self.words else ""

    def only(self, metavar: str, example: str) -> str:
        """Return the one word; raise UsageError if it is missing."""
        if not self.words:
            raise UsageError(
                f"{self.spec.name} needs {metavar}.", fix=f"Write %sparkk8s {self.spec.name} {example}"
            )
        return self.at_most_one()

    def _error(self, problem: str) -> UsageError:
        return UsageError(problem, fix=f"Write %sparkk8s {self.spec.name} {self.spec.usage}".rstrip())


def read_given(spec: CommandSpec, words: Sequence[str]) -> Given:
    """Sort a command's words into options and the rest.

    Raises
    ------
    UsageError
        For an option it has not, one without its value, or one given twice with different values.
    """
    known = {name: flag for flag in spec.flags for name in flag.flags}
    rest: list[str] = []
    switches: set[str] = set()
    values: dict[str, str] = {}
    waiting = iter(words)
    for word in waiting:
        name, separator, value = word.partition("=") if word.startswith("--") else (word, "", "")
        flag = known.get(name)
        if flag is None:
            if word.startswith("-") and not word[1:].isdecimal():
                otherwise = f"See %sparkk8s {spec.name} --help."
                raise UsageError(
                    f"{spec.name} has no option {shown(name)}.",
                    fix=did_you_mean(name, known, otherwise=otherwise),
                )
            rest.append(word)
        elif not flag.metavar:
            if separator:
                raise UsageError(f"{name} has no value.", fix=f"Write %sparkk8s {spec.name} {name}")
            switches.add(flag.flags[0])
        else:
            _put(values, flag, name, value if separator else next(waiting, ""))
    return Given(spec=spec, words=tuple(rest), switches=frozenset(switches), values=MappingProxyType(values))


def _put(values: dict[str, str], flag: Flag, name: str, value: str) -> None:
    if not value or value.startswith("--"):
        raise UsageError(f"{name} has no value.", fix=f"Write {name} {flag.example}")
    if values.setdefault(flag.flags[0], value) != value:
        raise UsageError(
            f"{name} is given twice: {values[flag.flags[0]]} and {value}.", fix="Keep one of them."
        )
