"""On which line a TOML file says what: the standard library's reader does not tell.

The scan relies on the text being valid TOML, which ``tomllib`` has to say first; it only has to find where
keys begin and values end, not what they mean.
"""

from __future__ import annotations

import re
import tomllib

_SKIP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)+")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""+', re.DOTALL),
    re.compile(r"'''.*?'''+", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_SCALAR = re.compile(r"[^\s,\]}#][^,\]}#\n]*")

KeyPath = tuple[str, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line, from 1, on which every key and table is first written.

    Parameters
    ----------
    text : str
        Valid TOML.

    Examples
    --------
    >>> key_lines('locked = ["image"]\\n[start]\\nmemory = "4g"\\n')
    {('locked',): 1, ('start',): 2, ('start', 'memory'): 3}
    """
    return _Scan(text).run()


class _Scan:
    """One walk through the text; ``at`` is the offset of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}

    def run(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip()
        while self.at < len(self.text):
            start = self.at
            if self.text[self.at] == "[":
                self.at += 2 if self.text.startswith("[[", self.at) else 1
                table = self._key()
                self._note(table, start)
                while self.at < len(self.text) and self.text[self.at] == "]":
                    self.at += 1
            else:
                self._pair(table)
            self._skip()
        return self.lines

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = table + self._key()
        self._note(path, start)
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip()
        opening = self.text[self.at : self.at + 1]
        if opening in {"{", "["}:
            closing = {"{": "}", "[": "]"}[opening]
            self.at += 1
            self._skip(",")
            while self.text[self.at : self.at + 1] not in {closing, ""}:
                if opening == "{":
                    self._pair(path)
                else:
                    self._value(path)
                self._skip(",")
            self.at += 1
        elif (end := self._string_end()) is not None:
            self.at = end
        else:
            found = _SCALAR.match(self.text, self.at)
            self.at = found.end() if found else self.at + 1

    def _key(self) -> KeyPath:
        parts = []
        while True:
            self._skip()
            end = self._string_end()
            if end is None:
                found = _BARE.match(self.text, self.at)
                end = found.end() if found else self.at + 1
                parts.append(self.text[self.at : end])
            else:
                parts.append(_unquoted(self.text[self.at : end]))
            self.at = end
            self._skip()
            if self.text[self.at : self.at + 1] != ".":
                return tuple(parts)
            self.at += 1

    def _string_end(self) -> int | None:
        for pattern in _STRINGS:
            if found := pattern.match(self.text, self.at):
                return found.end()
        return None

    def _skip(self, also: str = "") -> None:
        """Pass white space and comments, and one of ``also`` with what follows it."""
        if found := _SKIP.match(self.text, self.at):
            self.at = found.end()
        if also and self.text.startswith(also, self.at):
            self.at += len(also)
            self._skip()

    def _note(self, path: KeyPath, start: int) -> None:
        line = self.text.count("\n", 0, start) + 1
        for depth in range(1, len(path) + 1):
            self.lines.setdefault(path[:depth], line)


def _unquoted(quoted: str) -> str:
    """Let ``tomllib`` itself undo quotes and escapes."""
    return str(tomllib.loads(f"key = {quoted}")["key"])
