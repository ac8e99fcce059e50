"""``%sparkk8s start?`` becomes ``%sparkk8s start --help``.

IPython takes the word before the question mark for a Python object and finds none. The transformer runs
among IPython's cleanup transformers, before that.
"""

from __future__ import annotations

import re
import tokenize
from tokenize import TokenInfo

from IPython.core.inputtransformer2 import make_tokens_by_line

_ASKS = re.compile(r"(\s*)%sparkk8s[ \t]+([A-Za-z][\w-]*)\b[^?\n]*\?{1,2}[ \t]*(\n?)")
_LAYOUT = {tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.NL}


def ask_for_help(lines: list[str]) -> list[str]:
    """Rewrite lines that ask for help on a command; everything else stays as it is.

    Parameters
    ----------
    lines : list of str
        A cell's lines with their line ends.

    Examples
    --------
    >>> ask_for_help(["%sparkk8s start?\\n"])
    ['%sparkk8s start --help\\n']
    >>> ask_for_help(["print('why?')\\n"])
    ["print('why?')\\n"]
    """
    if not lines:
        return lines
    if lines[0].startswith("%%"):
        found = _ASKS.fullmatch(lines[0][1:])
        alone = not "".join(lines[1:]).strip()
        return [_asked(found)] if found and alone else lines
    if not any(_ASKS.fullmatch(line) for line in lines):
        return lines
    magics = _magic_rows(make_tokens_by_line(lines))
    return [
        _asked(found) if row in magics and (found := _ASKS.fullmatch(line)) else line
        for row, line in enumerate(lines)
    ]


def _asked(found: re.Match[str]) -> str:
    return f"{found[1]}%sparkk8s {found[2]} --help{found[3]}"


def _magic_rows(statements: list[list[TokenInfo]]) -> set[int]:
    """Rows where a statement begins with a percent sign: not those within a string or brackets."""
    firsts = (next((token for token in s if token.type not in _LAYOUT), None) for s in statements)
    return {token.start[0] - 1 for token in firsts if token is not None and token.string == "%"}
