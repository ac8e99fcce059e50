"""Quantities as people, Spark and Kubernetes write them.

Two grammars meet here. *Ours* is Spark's (``8g`` is binary, case does not matter, a bare number is MiB, as
in ``spark.executor.memory``) plus Kubernetes' ``Ki Mi Gi Ti``; ``m`` is always mebi, never milli.
*Kubernetes'* is ``resource.Quantity``: ``8G`` is decimal, ``m`` is milli, ``1e9`` is allowed.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.suggest import correct, written

KIB = 1024
MIB = 1024**2
GIB = 1024**3
INT64_MAX = 2**63 - 1

_POWERS = {"": 2, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_MEMORY = re.compile(
    r"(?P<number>\d{1,18}(?:\.\d{1,9})?)\s*(?P<unit>b|[kmgtp](?:b|ib?)?)?", re.IGNORECASE | re.ASCII
)
_DURATION = re.compile(
    r"(?P<number>\d{1,9}(?:\.\d{1,9})?)\s*"
    r"(?P<unit>ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|d|days?)?",
    re.IGNORECASE | re.ASCII,
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_COUNT = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_KUBERNETES = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))(?P<unit>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?", re.ASCII
)
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {
    unit: Decimal(10) ** exponent
    for unit, exponent in {
        "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
    }.items()
}  # fmt: skip
_EXPONENT_MAX = 40
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_TIMES = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
_TEXT_MAX = 64


def parse_memory(
    text: str, *, option: str = "--memory", minimum: int = 1, example: str = "8g", what: str = "memory"
) -> int:
    """Return bytes, at least ``minimum``.

    Parameters
    ----------
    text : str
        ``8g``, ``8G``, ``8gb``, ``8Gi``, ``8GiB``, ``1.5g``, ``512m``, ``512Mi``; a bare number is MiB.
    option : str
        What the error calls it.
    minimum : int
        Least sensible number of bytes: catches a forgotten unit.
    example : str
        What the error suggests.
    what : str
        What it is an amount of.

    Raises
    ------
    UsageError
        If it is no quantity, zero, too small, or beyond what 64 bits hold.

    Examples
    --------
    >>> parse_memory("8g") == parse_memory("8Gi") == parse_memory("8192") == 8 * 1024**3
    True
    """
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{written(option, text)} is not an amount of {what}.", fix=f"Write {correct(option, example)}"
        )
    unit = (found["unit"] or "").lower()[:1]
    size = int(Decimal(found["number"]) * 1024 ** _POWERS[unit])
    if not minimum <= size <= INT64_MAX:
        extent = f"more than the most, {format_memory(INT64_MAX)}" if size > minimum else "too small"
        named = f" ({format_memory(size)})" if minimum > 1 and size < minimum else ""
        raise UsageError(
            f"{written(option, text)}{named} is {extent}.",
            fix=f"Write {correct(option, example)}"
            + (f"; the least is {format_memory(minimum)}." if minimum > 1 else ""),
        )
    return size


def parse_count(text: str, *, option: str, minimum: int = 1, example: str = "2", what: str = "number") -> int:
    """Return a whole number, at least ``minimum``.

    >>> parse_count("4", option="--executors")
    4
    """
    plain = text.strip()
    if not _COUNT.fullmatch(plain):
        raise UsageError(
            f"{written(option, text)} is not a whole number.", fix=f"Write {correct(option, example)}"
        )
    count = int(plain)
    if count < minimum:
        raise UsageError(
            f"{written(option, text)}: the {what} must be at least {minimum}.",
            fix=f"Write {correct(option, example)}",
        )
    return count


def parse_cores(text: str, *, option: str = "--cores") -> int:
    """Return whole cores, at least 1: tasks that an executor runs at once.

    >>> parse_cores("2")
    2
    """
    return parse_count(text, option=option, example="2", what="number of cores")


def parse_duration(text: str, *, option: str = "--timeout", example: str = "5m") -> float:
    """Return seconds, more than 0.

    >>> parse_duration("90"), parse_duration("5m"), parse_duration("1.5h")
    (90.0, 300.0, 5400.0)
    """
    found = _DURATION.fullmatch(text.strip())
    unit = (found["unit"] or "s").lower() if found else "s"
    seconds = float(found["number"]) * _SECONDS["ms" if unit == "ms" else unit[0]] if found else 0.0
    if seconds <= 0:
        raise UsageError(
            f"{written(option, text)} is not a length of time.",
            fix=f"Write {correct(option, example)} (a bare number is seconds; s, m, h, d are units)",
        )
    return seconds


def parse_kubernetes_cpu(text: str | int | float) -> int:
    """Return thousandths of a core of a Kubernetes quantity, rounded up as Kubernetes does.

    >>> parse_kubernetes_cpu("500m"), parse_kubernetes_cpu("1.5"), parse_kubernetes_cpu(2)
    (500, 1500, 2000)
    """
    return _whole(_quantity(text) * 1000)


def parse_kubernetes_memory(text: str | int | float) -> int:
    """Return bytes of a Kubernetes quantity, rounded up as Kubernetes does.

    >>> parse_kubernetes_memory("8Gi"), parse_kubernetes_memory("1e9"), parse_kubernetes_memory("1500m")
    (8589934592, 1000000000, 2)
    """
    return _whole(_quantity(text))


def format_memory(size: int) -> str:
    """Return bytes for people, with at most one decimal.

    >>> format_memory(8 * 1024**3), format_memory(1536 * 1024**2), format_memory(900)
    ('8 GiB', '1.5 GiB', '900 B')
    """
    if abs(size) < KIB:
        return f"{size} B"
    value, power = float(size), 0
    # 1023.95 would be shown as "1024.0": it belongs to the next unit.
    while abs(value) >= 1023.95 and power < len(_UNITS) - 1:
        value, power = value / 1024, power + 1
    return f"{value:.1f}".removesuffix(".0") + f" {_UNITS[power]}"


def format_mib(size: int) -> str:
    """Return bytes as Spark and the JVM take them, whole MiB, rounded down: a heap never grows.

    >>> format_mib(8 * 1024**3)
    '8192m'
    """
    return f"{size // MIB}m"


def kubernetes_memory(size: int) -> str:
    """Return bytes as a Kubernetes quantity, whole MiB, rounded up: a pod never gets less.

    >>> kubernetes_memory(8 * 1024**3)
    '8192Mi'
    """
    return f"{-(-size // MIB)}Mi"


def format_duration(seconds: float) -> str:
    """Return a length of time for people, in its two largest units.

    >>> format_duration(192), format_duration(0.42), format_duration(7500)
    ('3 min 12 s', '0.4 s', '2 h 5 min')
    """
    if seconds < 1:
        return f"{max(seconds, 0):.1f} s".replace("0.0 s", "0 s").replace("1.0 s", "1 s")
    whole = math.floor(seconds)
    for size, unit, small, small_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def _quantity(text: str | int | float) -> Decimal:
    plain = str(text).strip()
    found = _KUBERNETES.fullmatch(plain) if len(plain) <= _TEXT_MAX else None
    if found is None:
        raise UsageError(
            f"{written('The quantity', plain)} is not one that Kubernetes knows.",
            fix="Write it like 500m or 2 for CPU, 512Mi or 8Gi for memory.",
        )
    number, unit = Decimal(found["number"]), found["unit"] or ""
    if unit in _BINARY:
        return number * _BINARY[unit]
    if unit in _DECIMAL:
        return number * _DECIMAL[unit]
    # Decimal would spend gigabytes on 1e999999999; Kubernetes caps at 64 bits, so do we.
    exponent = max(-_EXPONENT_MAX, min(_EXPONENT_MAX, int(unit[1:])))
    return number.scaleb(exponent)


def _whole(value: Decimal) -> int:
    return max(-INT64_MAX, min(INT64_MAX, math.ceil(value)))


def rough(number: float) -> float:
    """Return a number with three significant digits: few bytes, and no change where none can be seen.

    Examples
    --------
    >>> rough(1234.5), rough(0.0), rough(2.0)
    (1230, 0, 2)
    """
    if not number:
        return 0
    short = float(f"{number:.3g}")
    return int(short) if short.is_integer() else short


def four_digits(size: int) -> int:
    """Return a size in bytes with four significant digits: with three, 1 GiB would be 1020 MiB.

    Examples
    --------
    >>> four_digits(123_456_789), four_digits(0)
    (123500000, 0)
    """
    return int(float(f"{size:.4g}")) if size else 0
