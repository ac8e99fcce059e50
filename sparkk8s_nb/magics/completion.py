"""Completion of ``%sparkk8s`` lines and ``%%sparkk8s start`` cells, from the tables of commands and options.

An IPython matcher of API version 2 that suppresses the others: the older hook mixes in Python's keywords.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.magics.commands import DRIVER
from sparkk8s_nb.magics.grammar import COMMANDS, CommandSpec
from sparkk8s_nb.model.options import BY_FLAG, BY_NAME, OPTIONS, Group, Many, Option, option_named

IDENTIFIER = "sparkk8s_nb"

_LINE = re.compile(r"\s*%{1,2}sparkk8s\s+(.*)", re.DOTALL)
_CELL = re.compile(r"%%sparkk8s\s+start\b")
_PRIORITY = 100.0  # before IPython's own, which then are not even asked

Source = Callable[[], Iterable[str]]
Found = tuple[str, list[str]]
"""What is replaced (the text before the cursor), and with what."""


def _nothing() -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where names come from that only the outside world knows; asked when needed.

    Parameters
    ----------
    contexts, profiles : callable
        Names for ``--context`` and ``--profile``.
    executors : callable
        Ids for ``logs``.
    cells : callable
        Execution counts for ``cancel``.
    confs : callable
        Further keys for ``conf``.
    """

    contexts: Source = _nothing
    profiles: Source = _nothing
    executors: Source = _nothing
    cells: Source = _nothing
    confs: Source = _nothing


def make_matcher(sources: Sources) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """Return a matcher for ``ip.Completer.custom_matchers``.

    Parameters
    ----------
    sources : Sources
    """

    @context_matcher(identifier=IDENTIFIER, priority=_PRIORITY)
    def match(context: CompletionContext) -> SimpleMatcherResult:
        fragment, words = complete(context.full_text, context.cursor_line, context.text_until_cursor, sources)
        return SimpleMatcherResult(
            completions=[SimpleCompletion(text=word, type="option") for word in words],
            matched_fragment=fragment,
            suppress=True,
            ordered=True,
        )

    found: Callable[[CompletionContext], SimpleMatcherResult] = match
    return found


def complete(full_text: str, row: int, before: str, sources: Sources) -> Found:
    """Return what can stand at the cursor.

    Parameters
    ----------
    full_text : str
        The whole cell.
    row : int
        The cursor's line, from 0.
    before : str
        That line up to the cursor.
    sources : Sources

    Examples
    --------
    >>> complete("%sparkk8s st", 0, "%sparkk8s st", Sources())
    ('st', ['start', 'status', 'stop'])
    """
    if found := _LINE.fullmatch(before):
        candidates, fragment = _in_line(found[1], sources)
    elif row > 0 and _CELL.match(full_text):
        candidates, fragment = _in_cell(before, full_text.split("\n")[1:], sources)
    else:
        return "", []
    return fragment, [word for word in dict.fromkeys(candidates) if word.startswith(fragment)]


def _in_line(text: str, sources: Sources) -> tuple[Iterable[str], str]:
    *words, fragment = text.split(" ")
    words = [word for word in words if word]
    if not words:
        return (spec.name for spec in COMMANDS.values() if spec.available), fragment
    spec = COMMANDS.get(words[0])
    if spec is None:
        return (), fragment
    if spec.name == "start":
        return _start_options(words[1:], fragment, sources)
    return _command_words(spec, words[1:], sources), fragment


def _start_options(words: Sequence[str], fragment: str, sources: Sources) -> tuple[Iterable[str], str]:
    flag, separator, value = fragment.partition("=")
    if separator and (option := BY_FLAG.get(flag)):
        return _values(option, sources), value
    if words and (option := BY_FLAG.get(words[-1])) and not option.switch:
        return _values(option, sources), fragment
    given = {BY_FLAG[word].key for word in (w.partition("=")[0] for w in words) if word in BY_FLAG}
    aliases = len(fragment) > 2
    return (flag for option in _open(given) for flag in _flags(option, aliases=aliases)), fragment


def _in_cell(before: str, lines: Sequence[str], sources: Sources) -> tuple[Iterable[str], str]:
    text = before.lstrip()
    if text.startswith("-"):
        *words, fragment = text.split(" ")
        return _start_options([word for word in words if word], fragment, sources)
    found = re.fullmatch(r"([\w-]+)(?:\s*=\s*|\s+)(.*)", text)
    if found:
        option = option_named(found[1])
        return (_values(option, sources) if option else ()), found[2].rpartition(" ")[2]
    first_words = (re.split(r"[\s=]", line.strip().lstrip("-"), maxsplit=1)[0] for line in lines)
    given = {option.key for option in map(option_named, first_words) if option}
    return (option.key.replace("_", "-") for option in _open(given - {_key(text)})), text


def _key(name: str) -> str:
    """The line under the cursor may itself name an option; that one stays on offer."""
    option = option_named(name)
    return option.key if option else ""


def _open(given: set[str]) -> list[Option]:
    """Options that may still be given."""
    return [o for o in OPTIONS if o.flags and o.available and (o.key not in given or o.many is not Many.ONE)]


def _flags(option: Option, *, aliases: bool) -> tuple[str, ...]:
    """All flags where somebody types one out, else the short and the first long one."""
    if aliases:
        return option.flags
    return option.flags[: 2 if not option.flags[0].startswith("--") else 1]


def _values(option: Option, sources: Sources) -> Iterable[str]:
    if option.key == "context":
        return ("embedded", *_asked(sources.contexts))
    if option.key == "profile":
        return _asked(sources.profiles)
    if option.choices:
        return option.choices
    return (option.example,) if option.group is Group.SIZE else ()


def _command_words(spec: CommandSpec, words: Sequence[str], sources: Sources) -> Iterable[str]:
    if words and (flag := next((f for f in spec.flags if words[-1] in f.flags), None)) and flag.metavar:
        return (flag.example,)
    open_flags = [f.flags[0] for f in spec.flags if not set(f.flags) & set(words)]
    if any(not word.startswith("-") for word in words):
        return open_flags
    named: dict[str, Callable[[], Iterable[str]]] = {
        "logs": lambda: (*_asked(sources.executors), DRIVER),
        "cancel": lambda: _asked(sources.cells),
        "help": lambda: COMMANDS,
        "conf": lambda: (
            *(key for key, option in BY_NAME.items() if option.in_files),
            *_asked(sources.confs),
        ),
    }
    return (*named.get(spec.name, _nothing)(), *open_flags)


def _asked(source: Source) -> Iterable[str]:
    try:
        return tuple(source())
    except SparkK8sError:
        # A broken kubeconfig or settings file is told when it is used, not while somebody types.
        return ()
