"""Did you mean: the nearest of the words that would have been right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_CUTOFF = 0.6


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

    >>> did_you_mean("strat", ["start", "stop"])
    'Did you mean start?'
    >>> did_you_mean("xyz", ["start"], otherwise="See %sparkk8s help.")
    'See %sparkk8s help.'
    """
    found = nearest(word, candidates)
    return f"Did you mean {found}?" if found else otherwise


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-")
