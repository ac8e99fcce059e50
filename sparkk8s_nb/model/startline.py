"""What one start says, read from a line's words or a call's arguments.

:func:`parse_start` is for a whole line, :func:`split_start` for a command line on which a script follows,
:func:`start_from` for Python.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.draft import PYTHON, Draft, StartLine
from sparkk8s_nb.model.options import BY_FLAG, BY_NAME, Option, option_named
from sparkk8s_nb.model.suggest import correct, did_you_mean

SEE_HELP = "--help lists the options."

_SPARK_SUBMIT = {
    "--master": "Use --context to name a cluster of your kubeconfig.",
    "--deploy-mode": "Leave it away: the driver runs in this kernel (client mode).",
    "--total-executor-cores": "Use -n N and --cores C.",
    "--jars": "Write --conf spark.jars=FILES",
    "--files": "Write --conf spark.files=FILES",
    "--archives": "Write --conf spark.archives=FILES",
    "--repositories": "Write --conf spark.jars.repositories=URLS",
    "--exclude-packages": "Write --conf spark.jars.excludes=GROUP:ARTIFACT",
    "--driver-java-options": "Write --conf spark.driver.extraJavaOptions=OPTIONS",
    "--driver-class-path": "Write --conf spark.driver.extraClassPath=PATHS",
    "--properties-file": "Put its lines into [start.conf] of sparkk8s.toml.",
    "--kubeconfig": "Set KUBECONFIG before the kernel starts, and name a context with --context.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRest:
    """A start and what followed it on the command line.

    Parameters
    ----------
    line : StartLine
    flags : frozenset of str
        Those of the caller's own flags that were there.
    rest : tuple of str
        From the first word that is no option on.
    """

    line: StartLine
    flags: frozenset[str]
    rest: tuple[str, ...]


def parse_start(words: Sequence[str]) -> StartLine:
    """Read the options of a line.

    Parameters
    ----------
    words : sequence of str
        The line, split as a shell does.

    Raises
    ------
    UsageError
        For an unknown option, a value that is missing, malformed or contradicts another, a conf that the
        toolkit owns, or a word that is no option.

    Examples
    --------
    >>> dict(parse_start(["-n", "4", "--memory", "8g"]).values)
    {'executors': 4, 'memory': 8589934592}
    """
    found = split_start(words)
    if found.rest:
        raise stray_word(found.rest[0])
    return found.line


def split_start(words: Sequence[str], *, flags: Collection[str] = ()) -> StartRest:
    """Read options up to the first word that is none: a script's name, say. ``--`` ends them too.

    Parameters
    ----------
    words : sequence of str
    flags : collection of str
        The caller's own flags, such as ``--json``; they have no value.

    Examples
    --------
    >>> split_start(["-n", "2", "etl.py", "-n", "9"]).rest
    ('etl.py', '-n', '9')
    """
    draft = Draft()
    rest, seen = read_words(draft, words, flags=flags)
    return StartRest(line=draft.line(), flags=seen, rest=rest)


def read_words(
    draft: Draft, words: Sequence[str], *, flags: Collection[str] = ()
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Read options into ``draft``; return the words from the first that is none, and the flags seen."""
    seen: set[str] = set()
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return tuple(words[index + 1 :]), frozenset(seen)
        if word in flags:
            seen.add(word)
            index += 1
            continue
        if not word.startswith("-") or word == "-":
            break
        option, label, value = _option_of(word, flags)
        index += 1
        if option.switch:
            value = "on" if value is None else value
        elif value is None:
            value = _next_value(option, label, words[index : index + 1])
            index += 1
        draft.read(option, value, label)
    return tuple(words[index:]), frozenset(seen)


def start_from(options: Mapping[str, object]) -> StartLine:
    """Read the keyword arguments of ``sparkk8s_nb.start(...)``; None means not given.

    Examples
    --------
    >>> dict(start_from({"executors": 2, "memory": "4g", "image": None}).values)
    {'executors': 2, 'memory': 4294967296}
    """
    draft = Draft(PYTHON)
    for name, value in options.items():
        option = option_named(name)
        if option is None:
            fix = did_you_mean(name, BY_NAME, otherwise="See help(sparkk8s_nb.start).")
            raise UsageError(f"start has no option {name}.", fix=fix)
        if value is not None:
            draft.take(option, value, PYTHON.option.format(name))
    return draft.line()


def stray_word(word: str) -> UsageError:
    """Return the error for a word where options were expected."""
    if word.isdecimal():
        return UsageError(
            f"start does not know what {word} is for.", fix=f"Write -n {word} for {word} executors."
        )
    name, separator, value = word.partition("=")
    if (option := option_named(name)) is not None and option.flags:
        return UsageError(
            f"{word} is not an option.", fix=f"Write {option.flags[-1] if option.switch else _long(option)} "
            f"{value if separator else option.example}".rstrip()
        )  # fmt: skip
    return UsageError(f"{word} is not an option.", fix=did_you_mean(f"--{name}", BY_FLAG, otherwise=SEE_HELP))


def _option_of(word: str, flags: Collection[str]) -> tuple[Option, str, str | None]:
    """Take ``--memory``, ``--memory=4g``, ``-n``, ``-n4`` or ``-n=4`` apart."""
    if word.startswith("--"):
        flag, separator, value = word.partition("=")
        given = value if separator else None
    else:
        flag, value = word[:2], word[2:].removeprefix("=")
        given = value or None
    # --driver_memory is what people who know the key write.
    option = BY_FLAG.get(flag) or BY_FLAG.get(flag.replace("_", "-"))
    if option is None:
        fix = _SPARK_SUBMIT.get(flag) or did_you_mean(flag, [*BY_FLAG, *flags], otherwise=SEE_HELP)
        raise UsageError(f"start has no option {flag}.", fix=fix)
    return option, flag, given


def _next_value(option: Option, label: str, following: Sequence[str]) -> str:
    missing = not following or following[0].startswith("--") or following[0] in BY_FLAG
    if missing:
        raise UsageError(f"{label} has no value.", fix=f"Write {correct(label, option.example)}")
    return following[0]


def _long(option: Option) -> str:
    return next(flag for flag in option.flags if flag.startswith("--"))
