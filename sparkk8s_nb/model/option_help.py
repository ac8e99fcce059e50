"""Help on the options of ``start``, written from their table: for the magic and for the command line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from sparkk8s_nb.model.options import OPTIONS, Group, Option

WIDTH = 88
_INDENT = "  "
_COLUMN = 28


def columns(rows: Iterable[tuple[str, str]]) -> str:
    """Lay out names and sentences in two columns; a name that is too long has its line for itself.

    >>> print(columns([("-f", "Follow it.")]))
      -f                        Follow it.
    """
    lines: list[str] = []
    for name, sentence in rows:
        left = f"{_INDENT}{name}"
        wrapped = textwrap.wrap(sentence, WIDTH - _COLUMN) or [""]
        if len(left) > _COLUMN - 2:
            lines.append(left)
            left = ""
        lines.append(f"{left:<{_COLUMN}}{wrapped[0]}".rstrip())
        lines += [f"{'':<{_COLUMN}}{line}" for line in wrapped[1:]]
    return "\n".join(lines)


def options_help() -> str:
    """Return all options of ``start``, grouped, two columns of text."""
    blocks = []
    for group in Group:
        options = [o for o in OPTIONS if o.group is group and o.flags and o.available]
        blocks.append(f"{group}:\n{columns((_spelled(option), option.help) for option in options)}")
    return "\n\n".join(blocks)


def _spelled(option: Option) -> str:
    return ", ".join(option.flags) + (f" {option.metavar}" if option.metavar else "")
