"""Reading the values of options from text: one function each, ``(text, label) -> value``.

The label is what the error calls the option: ``--memory`` on a line, ``memory =`` in a file, ``memory=`` in
Python. Every function raises UsageError with a right example. Showing a value is the way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.names import check_image, check_namespace
from sparkk8s_nb.model.quantities import (
    format_duration,
    format_memory,
    parse_cores,
    parse_count,
    parse_duration,
    parse_kubernetes_cpu,
    parse_memory,
)
from sparkk8s_nb.model.suggest import correct, written

Parser = Callable[[str, str], object]
Shower = Callable[[object], str]

_TITLE_MAX = 200
_COORDINATES = re.compile(r"[^\s:,/]+[:/][^\s:,/]+:[^\s:,/]+")


def read_text(text: str, label: str) -> str:
    """Read a name that only has to be there."""
    if not text.strip() or not text.isprintable():
        raise UsageError(f"{label} has no value.", fix=f"Write {correct(label, 'NAME')}, or leave it away.")
    return text.strip()


def read_title(text: str, label: str) -> str:
    """Read a title for people: one line of any script."""
    if not text.strip() or not text.isprintable() or len(text) > _TITLE_MAX:
        raise UsageError(
            f"{label} is empty, longer than {_TITLE_MAX} characters, or has control characters in it.",
            fix=f"Write {correct(label, 'flights')}",
        )
    return text.strip()


def read_path(text: str, label: str) -> Path:
    """Read a path; whether it exists is not looked at."""
    return Path(read_text(text, label))


def read_executors(text: str, label: str) -> int:
    """Read a number of executors, at least 1."""
    return parse_count(text, option=label, example="4", what="number of executors")


def read_cores(text: str, label: str) -> int:
    """Read whole cores, at least 1."""
    return parse_cores(text, option=label)


def read_cpu(text: str, label: str) -> int:
    """Read thousandths of a core."""
    millis = parse_kubernetes_cpu(text)
    if millis <= 0:
        raise UsageError(f"{written(label, text)} is no CPU at all.", fix=f"Write {correct(label, '500m')}")
    return millis


def read_factor(text: str, label: str) -> float:
    """Read a share of the heap."""
    try:
        factor = float(text)
    except ValueError:
        factor = -1.0
    if not 0 < factor < 100:
        raise UsageError(
            f"{written(label, text)} is not a share of the heap.", fix=f"Write {correct(label, '0.4')}"
        )
    return factor


def read_wait(text: str, label: str) -> int | str:
    """Read a number of executors to wait for; ``none`` is 0, ``all`` stays a word."""
    plain = text.strip().lower()
    if plain in {"all", "none"}:
        return "all" if plain == "all" else 0
    if not re.fullmatch(r"\d{1,6}", plain, re.ASCII):
        raise UsageError(
            f"{written(label, text)} is neither a number nor all or none.",
            fix=f"Write {correct(label, 'all')}",
        )
    return int(plain)


def read_duration(text: str, label: str) -> float:
    """Read seconds."""
    return parse_duration(text, option=label)


def read_image(text: str, label: str) -> str:
    """Read an image reference."""
    return check_image(text, option=label)


def read_namespace(text: str, label: str) -> str:
    """Read a namespace."""
    return check_namespace(text, option=label)


def read_packages(text: str, label: str) -> tuple[str, ...]:
    """Read Maven coordinates, with commas."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    wrong = [part for part in found if not _COORDINATES.fullmatch(part)]
    if wrong or not found:
        raise UsageError(
            f"{label} {(wrong or [text])[0]!r} does not name a Maven package.",
            fix=f"Write {correct(label, 'GROUP:ARTIFACT:VERSION')}, several with commas.",
        )
    return found


def read_files(text: str, label: str) -> tuple[str, ...]:
    """Read paths or URIs, with commas."""
    return tuple(read_text(part, label) for part in text.split(","))


def read_pair(text: str, label: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise UsageError(
            f"{label} {key.strip()!r} has no value.",
            fix="Write --conf KEY=VALUE, for example --conf spark.sql.shuffle.partitions=8",
        )
    return key.strip(), value.strip()


def _read_words(meanings: Mapping[str, object], listed: str) -> Parser:
    def read(text: str, label: str) -> object:
        plain = text.strip().lower()
        if plain not in meanings:
            raise UsageError(
                f"{written(label, text)} is neither {listed.replace(' or ', ' nor ')}.",
                fix=f"Write {correct(label, next(iter(meanings)))}",
            )
        return meanings[plain]

    return read


def read_never(text: str, label: str) -> object:
    """Refuse what is not available yet."""
    raise UsageError(
        f"{written(label, text)}: dynamic allocation is not available yet.",
        fix="Use -n N for a fixed fleet, and %sparkk8s scale N to change it.",
    )


def _show(value: object) -> str:
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of value: how it is read, and how it is shown.

    Parameters
    ----------
    read : Parser
        ``(text, label) -> value``; raises UsageError.
    show : Shower
        The way back, for people.
    """

    read: Parser
    show: Shower = _show


def words(**meanings: object) -> Kind:
    """Return the kind of a few words, each with its value; the first is the example in errors.

    >>> words(auto=True, off=False).read("off", "--progress")
    False
    """
    back: dict[object, str] = {}
    for word, value in meanings.items():
        back.setdefault(value, word)
    return Kind(read=_read_words(meanings, " or ".join(back.values())), show=lambda value: back[value])


def memory(example: str, minimum: int, what: str = "memory") -> Kind:
    """Return the kind of an amount of bytes, at least ``minimum``."""

    def read(text: str, label: str) -> int:
        return parse_memory(text, option=label, example=example, minimum=minimum, what=what)

    return Kind(read=read, show=lambda value: format_memory(int(str(value))))


TEXT = Kind(read=read_text)
TITLE = Kind(read=read_title)
PATH = Kind(read=read_path)
COUNT = Kind(read=read_executors)
CORES = Kind(read=read_cores)
CPU = Kind(read=read_cpu, show=lambda value: f"{value}m")
FACTOR = Kind(read=read_factor)
WAIT = Kind(read=read_wait, show=lambda value: "none" if value == 0 else str(value))
DURATION = Kind(read=read_duration, show=lambda value: format_duration(float(str(value))))
IMAGE = Kind(read=read_image)
NAMESPACE = Kind(read=read_namespace)
PACKAGES = Kind(read=read_packages)
FILES = Kind(read=read_files)
PAIR = Kind(read=read_pair)
ON_OFF = words(on=True, off=False, true=True, false=False)
AUTO_OFF = words(auto=True, off=False, true=True, false=False)
NOT_YET = Kind(read=read_never)
