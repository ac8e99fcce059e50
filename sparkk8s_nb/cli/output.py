"""How commands print: text for people on a line each, or one JSON document with ``--json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.suggest import did_you_mean
from sparkk8s_nb.views.tables import aligned

JSON_FLAG = "--json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where results go."""

    as_json: bool = False

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Output:
        """By whether ``--json`` is among the words."""
        return cls(as_json=JSON_FLAG in words)

    def show(self, data: Any, text: str) -> None:
        """Print a result in either form."""
        print(json.dumps(data, indent=1, default=str) if self.as_json else text)

    def table(self, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
        """Print rows under their keys, aligned; ``empty`` where there is none."""
        if self.as_json:
            print(json.dumps(list(rows), indent=1, default=str))
        else:
            print(aligned(rows) if rows else empty)


def only_flags(words: Sequence[str], known: Sequence[str], usage: str) -> frozenset[str]:
    """The flags among the words.

    Raises
    ------
    UsageError
        For anything else.
    """
    flags = {*known, JSON_FLAG}
    for word in words:
        if word not in flags:
            raise UsageError(
                f"{usage.split()[1]} does not take {word}.",
                fix=did_you_mean(word, flags, otherwise=f"usage: {usage}"),
            )
    return frozenset(words)
