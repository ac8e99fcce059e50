"""Pieces of the sentences that errors are made of: what was written, what was meant, what is right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_CUTOFF = 0.6
_SHOWN_MAX = 80


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``word`` was most likely meant to be, or None.

    Case is ignored, and ``-`` and ``_`` are the same.

    >>> nearest("--memroy", ["--memory", "--cores"])
    '--memory'
    >>> nearest("zzz", ["--memory"]) is None
    True
    """
    by_plain = {_plain(candidate): candidate for candidate in candidates}
    found = get_close_matches(_plain(word), by_plain, n=1, cutoff=_CUTOFF)
    return by_plain[found[0]] if found else None


def did_you_mean(word: str, candidates: Iterable[str], otherwise: str = "") -> str:
    """Return ``"Did you mean CANDIDATE?"``, or ``otherwise`` where nothing is near.

    >>> did_you_mean("startt", ["start", "stop"])
    'Did you mean start?'
    >>> did_you_mean("xyz", ["start"], otherwise="See %sparkk8s help.")
    'See %sparkk8s help.'
    """
    found = nearest(word, candidates)
    return f"Did you mean {found}?" if found else otherwise


def shown(text: str) -> str:
    """Return ``text`` fit for one line of an error: quoted where it is empty or odd, cut where long.

    >>> shown("2x"), shown("a b"), shown("")
    ('2x', "'a b'", "''")
    """
    cut = text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 3]}..."
    return cut if re.fullmatch(r"[\x21-\x7e]+", cut) else repr(cut)


def written(option: str, text: str) -> str:
    """Return what was written, for one line of an error.

    >>> written("--memory", "2x"), written("memory=", "2x"), written("memory =", "2x")
    ('--memory 2x', 'memory=2x', 'memory = 2x')
    """
    return f"{option}{_gap(option)}{shown(text)}"


def correct(option: str, example: str) -> str:
    """Return ``option`` with ``example`` as it has to be written: on a line, in a file, in Python.

    An option that ends in ``=`` is a key: text then wants quotes.

    >>> correct("--memory", "8g")
    '--memory 8g'
    >>> correct("memory =", "8g")
    'memory = "8g"'
    >>> correct("executors=", "4")
    'executors=4'
    """
    if not option.endswith("="):
        return f"{option} {example}"
    bare = re.fullmatch(r"\d+|true|false|\[.*\]", example)
    return f"{option}{_gap(option)}{example}" if bare else f'{option}{_gap(option)}"{example}"'


def _gap(option: str) -> str:
    return "" if option.endswith("=") and not option.endswith(" =") else " "


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-")
