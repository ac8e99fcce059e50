"""Options as they come in, one by one, from a line, a cell, a call or a file's table.

A :class:`Draft` reads each value, sends confs that mean an option to that option, and refuses what
contradicts. What was not said is not in it: defaults come later, in :mod:`sparkk8s_nb.model.settings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.confs import CONFS_OF_OPTIONS, is_secret, owner_says
from sparkk8s_nb.model.memory import MIN_HEAP
from sparkk8s_nb.model.options import BY_KEY, Many, Option
from sparkk8s_nb.model.quantities import format_memory
from sparkk8s_nb.model.suggest import correct

_CONF_FORM = 'Write them as "spark.sql.shuffle.partitions" = 8'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where options are written, and so how errors spell them.

    Parameters
    ----------
    option : str
        Format of an option's name.
    conf : str
        Format of a conf's key.
    """

    option: str
    conf: str


LINE = Place(option="{}", conf="--conf {}=")
FILE = Place(option="{} =", conf='"{}" =')
PYTHON = Place(option="{}=", conf='conf "{}" =')


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLine:
    """What one start says, and nothing else.

    Parameters
    ----------
    values : Mapping of str to object
        By option key; memory in bytes, times in seconds, ``conf`` a mapping, lists as tuples.
    restart : bool
    profile : str
        Empty where none is named.
    """

    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    restart: bool = False
    profile: str = ""


class Draft:
    """Values as they come in, one by one; what contradicts is refused at once.

    Parameters
    ----------
    place : Place
        How errors spell the options.
    """

    def __init__(self, place: Place = LINE) -> None:
        self._place = place
        self._values: dict[str, object] = {}
        self._conf: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def read(self, option: Option, text: str, label: str) -> str:
        """Take one value as text; return the key that it went to: an option's, or ``conf.NAME``.

        Parameters
        ----------
        option : Option
        text : str
        label : str
            What errors call the option.

        Raises
        ------
        UsageError
            If it cannot be read, contradicts an earlier one, or is a conf of the toolkit's.
        """
        value = option.kind.read(text, label)
        if option.many is Many.MAP:
            key, setting = value if isinstance(value, tuple) else ("", "")
            return self.conf(key, setting)
        self._put(option, value, label)
        return option.key

    def take(self, option: Option, value: object, label: str) -> None:
        """Take one typed value, as TOML and Python have them: a number, a list, a table.

        Raises
        ------
        UsageError
            As :meth:`read`, and if the type is not one that the option has.
        """
        if option.many is Many.MAP:
            for path, part in leaves(value, label):
                self.conf(".".join(path), conf_text(".".join(path), part))
        elif isinstance(value, Mapping) and option.table:
            for key, part in value.items():
                self.read(option, f"{key}={_as_text(part, option, label)}", label)
        elif isinstance(value, list | tuple) and option.many is Many.LIST:
            for part in value:
                self.read(option, _as_text(part, option, label), label)
        else:
            self.read(option, _as_text(value, option, label), label)

    def conf(self, key: str, value: str) -> str:
        """Take one Spark conf: refused, an option's value, or passed through; return the key it went to."""
        label = self._place.conf.format(key)
        if (instead := owner_says(key, value)) is not None:
            raise UsageError(f"The conf {key} is set by the toolkit.", fix=instead)
        if (option_key := CONFS_OF_OPTIONS.get(key)) is not None:
            return self.read(BY_KEY[option_key], value, label)
        if not key.startswith("spark."):
            raise UsageError(
                f"{key} is not a conf that Spark reads: they begin with spark.",
                fix=f"Write spark.{key}, or spark.hadoop.{key} for Hadoop and Hive.",
            )
        if self._conf.setdefault(key, value) != value:
            both = "" if is_secret(key) else f": {self._conf[key]} and {value}"
            raise UsageError(f"The conf {key} is given twice{both}.", fix="Keep one of them.")
        return f"conf.{key}"

    def values(self) -> dict[str, object]:
        """All that was taken, by option key.

        Raises
        ------
        UsageError
            If two options that were both given exclude each other.
        """
        found = dict(self._values)
        if self._conf:
            found["conf"] = dict(self._conf)
        self._check_memory(found)
        executors, wait = found.get("executors"), found.get("wait")
        if isinstance(executors, int) and isinstance(wait, int) and wait > executors:
            raise UsageError(
                f"{self._labels['wait']} {wait}: only {executors} executors were asked for.",
                fix=f"Write {correct(self._labels['wait'], 'all')}",
            )
        return found

    def line(self) -> StartLine:
        """Return the start that was drafted."""
        found = self.values()
        restart, profile = bool(found.pop("restart", False)), str(found.pop("profile", ""))
        return StartLine(values=MappingProxyType(found), restart=restart, profile=profile)

    def _put(self, option: Option, value: object, label: str) -> None:
        key = option.key
        if key not in self._values:
            self._values[key], self._labels[key] = value, label
        elif option.many is Many.LIST and isinstance(value, tuple):
            before = self._values[key]
            known = before if isinstance(before, tuple) else ()
            self._values[key] = (*known, *(part for part in value if part not in known))
        elif self._values[key] != value:
            shown, other = option.kind.show(self._values[key]), option.kind.show(value)
            first = self._labels[key]
            twice = f"{label} is given twice" if first == label else f"{first} and {label} contradict"
            raise UsageError(f"{twice}: {shown} and {other}.", fix="Keep one of them.")

    def _check_memory(self, found: Mapping[str, object]) -> None:
        if "memory" in found and "executor_memory" in found:
            pod, heap = self._labels["memory"], self._labels["executor_memory"]
            raise UsageError(
                f"{pod} is an executor's whole pod, {heap} its heap alone: only one can be given.",
                fix=f"Keep {pod}; the heap is computed from it.",
            )
        memory, overhead = found.get("memory"), found.get("memory_overhead")
        if isinstance(memory, int) and isinstance(overhead, int) and memory - overhead < MIN_HEAP:
            raise UsageError(
                f"{self._labels['memory_overhead']} {format_memory(overhead)} leaves less than "
                f"{format_memory(MIN_HEAP)} of heap in a pod of {format_memory(memory)}.",
                fix=f"Raise {self._labels['memory']}.",
            )


def _as_text(value: object, option: Option, label: str) -> str:
    if isinstance(value, bool):
        if option.switch or set(option.choices) & {"on", "off", "auto"}:
            return str(value).lower()
    elif isinstance(value, str | int | float | Path):
        return str(value)
    raise UsageError(
        f"{label} {value!r} is not a value that {option.key} can have.",
        fix=f"Write {correct(label, option.example or 'true')}",
    )


def leaves(value: object, label: str, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Walk through a table of confs whose keys may be nested: TOML takes ``spark.x = 1`` for tables.

    >>> list(leaves({"spark": {"x": 1}, "spark.y": 2}, "conf ="))
    [(('spark', 'x'), 1), (('spark.y',), 2)]
    """
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from leaves(part, label, (*path, str(key)))
    elif path:
        yield path, value
    else:
        raise UsageError(f"{label} is not a table of confs.", fix=_CONF_FORM)


def conf_text(key: str, value: object) -> str:
    """Return a conf's typed value as Spark wants it.

    >>> conf_text("spark.x", True)
    'true'
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise UsageError(f"The conf {key} is neither text nor a number.", fix=_CONF_FORM)
