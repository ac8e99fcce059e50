"""Kubernetes quantities, exactly: ``500m``, ``1408Mi``, ``2e3``. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_TEXT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?")
#: what no real quantity needs, and what would cost a lot to compute with
_LONGEST = 40
_EXPONENT_MOST = 30
PATTERN_TEXT = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"


@lru_cache(maxsize=4096)
def parse(text: str | int | float) -> Decimal:
    """The number that a quantity stands for.

    Examples
    --------
    >>> parse("500m"), parse("2Ki"), parse("1e3"), parse(3)
    (Decimal('0.500'), Decimal('2048'), Decimal('1E+3'), Decimal('3'))

    Raises
    ------
    ValueError
        If it is no quantity.
    """
    found = _TEXT.fullmatch(str(text).strip())
    if found is None or len(found.group()) > _LONGEST:
        raise ValueError(f"not a quantity: {text!r}")
    number, exponent, suffix = found.groups()
    if exponent and abs(int(exponent[1:])) > _EXPONENT_MOST:
        raise ValueError(f"not a quantity: {text!r}")
    if exponent:
        return Decimal(number + exponent)
    if suffix in _BINARY:
        return Decimal(number) * Decimal(1024) ** _BINARY[suffix]
    return Decimal(number).scaleb(3 * _DECIMAL[suffix or ""])


def _is_binary(text: str) -> bool:
    return text.rstrip().endswith("i")


def write(value: Decimal | int, *, binary: bool = False) -> str:
    """A number as a canonical quantity: no fraction, the largest suffix that allows it.

    >>> write(Decimal("0.5")), write(2048, binary=True), write(1500), write(2000)
    ('500m', '2Ki', '1500', '2k')
    """
    value = Decimal(value)
    if value == 0:
        return "0"
    if binary and value == value.to_integral_value() and abs(value) >= 1024:
        whole, suffix = int(value), ""
        for name in _BINARY:
            if whole % 1024:
                break
            whole, suffix = whole // 1024, name
        return f"{whole}{suffix}"
    for suffix, power in sorted(_DECIMAL.items(), key=lambda each: -each[1]):
        scaled = value.scaleb(-3 * power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return f"{int(value.scaleb(9).to_integral_value(ROUND_CEILING))}n"


def canonical(text: str | int | float) -> str:
    """A quantity as the API server gives it back.

    >>> canonical("0.5"), canonical("1024Mi"), canonical("1000m")
    ('500m', '1Gi', '1')
    """
    return write(parse(text), binary=_is_binary(str(text)))


def whole_bytes(text: str | int | float) -> int:
    """A memory quantity in bytes, rounded up.

    >>> whole_bytes("1408Mi")
    1476395008
    """
    return int(parse(text).to_integral_value(ROUND_CEILING))
