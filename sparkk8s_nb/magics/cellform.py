"""The cell form of ``start``: one option a line, ``memory 4g``, ``memory = 4g`` or ``--memory 4g``."""

from __future__ import annotations

import re
import shlex

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.draft import Draft
from sparkk8s_nb.model.options import BY_NAME, option_named
from sparkk8s_nb.model.startline import SEE_HELP, read_words, stray_word
from sparkk8s_nb.model.suggest import did_you_mean, shown

FIRST_LINE = 2
"""The number that editors show for a cell's first line below ``%%sparkk8s start``."""

_FLAG_EQUALS = re.compile(r"(--?[A-Za-z][\w-]*)\s*=\s*(.*)")
_KEY = re.compile(r"([A-Za-z_][\w.-]*)(?:\s*=\s*|\s+|$)(.*)")


def split_words(text: str) -> list[str]:
    """Split a line as a shell does, without its comment.

    Raises
    ------
    UsageError
        For a quote that is not closed.

    >>> split_words("start --name 'My flights'  # two words")
    ['start', '--name', 'My flights']
    """
    try:
        return shlex.split(without_comment(text))
    except ValueError as error:
        raise UsageError(
            f"A quote is not closed, or a backslash ends the line: {shown(text.strip())}",
            fix="Put text with blanks between two quotes of one kind: --name 'My flights'",
        ) from error


def without_comment(text: str) -> str:
    """Cut a line at ``#``, where that stands outside quotes at the beginning of a word.

    >>> without_comment("conf spark.x='# a'#b # c")
    "conf spark.x='# a'#b "
    """
    quote = ""
    before = " "
    skip = False
    for index, character in enumerate(text):
        if skip:
            skip = False
        elif character == "\\" and quote != "'":
            skip = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and before.isspace():
            return text[:index]
        before = character
    return text


def read_cell(draft: Draft, cell: str) -> None:
    """Read all lines of a cell into ``draft``.

    Raises
    ------
    UsageError
        With the line's number as the editor shows it.
    """
    for number, line in enumerate(cell.splitlines(), FIRST_LINE):
        try:
            _read_line(draft, without_comment(line).strip())
        except UsageError as error:
            raise UsageError(f"Cell line {number}: {error.problem}", fix=error.fix) from error


def _read_line(draft: Draft, line: str) -> None:
    if not line:
        return
    if line.startswith("-"):
        found = _FLAG_EQUALS.fullmatch(line)
        rest, _ = read_words(draft, split_words(f"{found[1]}={found[2]}" if found else line))
        if rest:
            raise stray_word(rest[0])
        return
    found = _KEY.fullmatch(line)
    if found is None:
        raise UsageError(f"{shown(line)} is not an option.", fix="Write one option a line: memory 4g")
    name, value = found[1], " ".join(split_words(found[2]))
    if name.startswith("spark."):
        draft.conf(name, value)
        return
    option = option_named(name)
    if option is None or not option.flags:
        known = [key for key, option in BY_NAME.items() if option.flags]
        raise UsageError(f"start has no option {name}.", fix=did_you_mean(name, known, otherwise=SEE_HELP))
    if not value and not option.switch:
        raise UsageError(f"{name} has no value.", fix=f"Write {name} {option.example}")
    draft.read(option, value or "on", name)
