"""Quantities: exact numbers, canonical text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.embedded import quantities


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1", 1),
        ("1.5", "1.5"),
        ("500m", "0.5"),
        ("100n", "0.0000001"),
        ("2k", 2000),
        ("1Ki", 1024),
        ("1408Mi", 1408 * 1024**2),
        ("1.5Gi", 1536 * 1024**2),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("+2", 2),
        ("-2", -2),
        (".5", "0.5"),
        (3, 3),
    ],
)
def test_a_quantity_is_a_number(text: str | int, value: str | int) -> None:
    """In all of its notations."""
    assert quantities.parse(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "2x", "1 Gi", "Gi", "1KiB", "--1", "1e", "0x1", "1e99999999999", "9" * 50]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """Also numbers that would only cost time."""
    with pytest.raises(ValueError, match="not a quantity"):
        quantities.parse(text)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1408Mi", "1408Mi"),
        ("1000Ki", "1000Ki"),
        ("1500", "1500"),
    ],
)
def test_text_becomes_canonical(given: str, shown: str) -> None:
    """As a real API server gives it back."""
    assert quantities.canonical(given) == shown


@given(st.integers(min_value=0, max_value=2**60), st.booleans())
def test_what_is_written_is_read_as_the_same_number(number: int, binary: bool) -> None:
    """In either family of suffixes."""
    assert quantities.parse(quantities.write(number, binary=binary)) == number
