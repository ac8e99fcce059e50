"""One settings file, read: what it sets, on which line, and what it may not set.

::

    locked = ["image", "conf.spark.x"]     # the administrator's file only
    [start]                                # options, by key
    executors = 4
    [start.conf]
    "spark.sql.shuffle.partitions" = 8
    [profiles.big]                         # a set of options, chosen by --profile big
    memory = "16g"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from sparkk8s_nb.errors import SettingsError, UsageError
from sparkk8s_nb.model.confs import project_refusal
from sparkk8s_nb.model.draft import FILE, Draft, conf_text, leaves
from sparkk8s_nb.model.options import BY_KEY, BY_NAME, Many, Option, option_named
from sparkk8s_nb.model.suggest import did_you_mean
from sparkk8s_nb.model.tomllines import KeyPath, key_lines

TABLES = ("start", "profiles", "locked")
_POSITION = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


class Source(StrEnum):
    """Whose file it is; later ones win, but for what the administrator locks."""

    ADMIN = "the administrator's file"
    USER = "your config.toml"
    PROJECT = "the project's file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value and where it comes from.

    Parameters
    ----------
    key : str
        An option's key, or ``conf.`` and a Spark conf's name.
    value : object
        None where it is computed at the start.
    origin : str
        ``default``, ``line`` or ``FILE:LINE``.
    locked : str
        ``FILE:LINE`` of the administrator's lock; empty where there is none.
    ignored : tuple of str
        Origins of values that the lock overruled.
    """

    key: str
    value: object
    origin: str
    locked: str = ""
    ignored: tuple[str, ...] = ()


SettingTable = Mapping[str, Setting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One settings file.

    Parameters
    ----------
    source : Source
    file : str
        As people know it: ``~/.config/sparkk8s/config.toml``.
    start : SettingTable
        Values of ``[start]`` by key.
    profiles : Mapping of str to SettingTable
    locked : Mapping of str to str
        Keys that the administrator locks, each with ``FILE:LINE``.
    """

    source: Source
    file: str
    start: SettingTable = field(default_factory=lambda: MappingProxyType({}))
    profiles: Mapping[str, SettingTable] = field(default_factory=lambda: MappingProxyType({}))
    locked: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read_layer(text: str, *, source: Source, file: str, directory: Path, home: Path) -> Layer:
    """Read a settings file's text.

    Parameters
    ----------
    text : str
    source : Source
    file : str
        What errors and origins call it.
    directory : Path
        Where it lies: relative paths in it are meant from there.
    home : Path
        What ``~`` in its paths stands for.

    Raises
    ------
    SettingsError
        Malformed TOML, a wrong key, type or value, something that this file may not hold; with the line.

    Examples
    --------
    >>> layer = read_layer("[start]\\nexecutors = 4", source=Source.USER, file="config.toml",
    ...                    directory=Path("."), home=Path("/home/ada"))
    >>> layer.start["executors"].value, layer.start["executors"].origin
    (4, 'config.toml:2')
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise malformed(str(error), text, file) from error
    return _Reader(source, file, directory, home, key_lines(text)).layer(data)


def malformed(message: str, text: str, file: str) -> SettingsError:
    """Return the error for text that is no TOML, with the line that the parser names in its message."""
    found = _POSITION.search(message)
    line = int(found[1]) if found and found[1] else text.rstrip().count("\n") + 1
    return SettingsError(
        f"{file}:{line}: this is not TOML: {_POSITION.sub('', message)}.",
        fix='Write KEY = VALUE lines under [start], text in quotes: memory = "8g"',
    )


class _Reader:
    """Reads the tables of one file; every error gets its line."""

    def __init__(
        self, source: Source, file: str, directory: Path, home: Path, lines: Mapping[KeyPath, int]
    ) -> None:
        self._source = source
        self._file = file
        self._directory = directory
        self._home = home
        self._lines = lines

    def layer(self, data: Mapping[str, object]) -> Layer:
        for key in data:
            if key not in TABLES:
                hint = f"Options belong under [start]: [start] {key} = ..." if option_named(key) else ""
                raise self._error(
                    (key,), f"{key} is not a table of this file.",
                    hint or did_you_mean(key, TABLES, otherwise="There are [start], [profiles.NAME] and locked."),
                )  # fmt: skip
        return Layer(
            source=self._source,
            file=self._file,
            start=self._options(data.get("start", {}), ("start",)),
            profiles=MappingProxyType(
                {
                    name: self._options(table, ("profiles", name))
                    for name, table in self._table(data.get("profiles", {}), ("profiles",)).items()
                }
            ),
            locked=MappingProxyType(self._locks(data["locked"]) if "locked" in data else {}),
        )

    def _options(self, value: object, path: KeyPath) -> SettingTable:
        draft = Draft(FILE)
        origins: dict[str, str] = {}
        for name, given in self._table(value, path).items():
            option = self._option(name, path)
            if option.many is Many.MAP:
                self._confs(draft, origins, given, (*path, name))
                continue
            with self._at((*path, name)):
                draft.take(option, given, FILE.option.format(name))
            origins.setdefault(option.key, self._origin((*path, name)))
        with self._at(path):
            found = draft.values()
        return MappingProxyType(
            {key: Setting(key=key, value=given, origin=origins[key]) for key, given in self._placed(found)}
        )

    def _confs(self, draft: Draft, origins: dict[str, str], value: object, path: KeyPath) -> None:
        with self._at(path):
            confs = list(leaves(value, FILE.option.format("conf")))
        for parts, given in confs:
            key = ".".join(parts)
            with self._at((*path, *parts)):
                self._check_project(project_refusal(key), key)
                went_to = draft.conf(key, conf_text(key, given))
            origins.setdefault(went_to, self._origin((*path, *parts)))

    def _option(self, name: str, path: KeyPath) -> Option:
        option = option_named(name)
        with self._at((*path, name)):
            if option is None:
                known = [key for key, option in BY_NAME.items() if option.in_files]
                otherwise = (
                    "Spark confs belong into [start.conf]."
                    if name == "spark"
                    else "See sparkk8s-nb run --help."
                )
                raise UsageError(
                    f"There is no option {name}.", fix=did_you_mean(name, known, otherwise=otherwise)
                )
            if not option.in_files or (option.key == "profile" and path[0] == "profiles"):
                raise UsageError(
                    f"{name} cannot be set {'in a profile' if path[0] == 'profiles' else 'in a file'}.",
                    fix="Say it on the line." if option.available else "Use executors = N.",
                )
            self._check_project(option.project_refusal, name)
        return option

    def _check_project(self, refusal: str | None, name: str) -> None:
        if refusal and self._source is Source.PROJECT:
            raise UsageError(
                f"{name} cannot be set in a project's file: {refusal}.",
                fix="Move it to your own config.toml, or say it on the line.",
            )

    def _placed(self, found: Mapping[str, object]) -> Iterator[tuple[str, object]]:
        """Single confs instead of the whole, and paths as seen from the file's directory."""
        for key, value in found.items():
            if isinstance(value, Mapping):
                yield from ((f"conf.{name}", text) for name, text in value.items())
            elif not BY_KEY[key].paths:
                yield key, value
            elif isinstance(value, tuple):
                yield key, tuple(part if "://" in part else str(self._path(part)) for part in value)
            else:
                yield key, self._path(str(value))

    def _path(self, text: str) -> Path:
        if text == "~" or text.startswith("~/"):
            return self._home / text[2:]
        return self._directory / text

    def _locks(self, value: object) -> dict[str, str]:
        path = ("locked",)
        if self._source is not Source.ADMIN:
            raise self._error(
                path,
                "only the administrator's file can lock options.",
                "Remove the line; [start] sets your values.",
            )
        if not isinstance(value, list):
            raise self._error(path, "locked is not a list.", 'Write locked = ["image", "memory"]')
        return {self._lock(entry): self._origin(path) for entry in value}

    def _lock(self, entry: object) -> str:
        name = str(entry)
        if name.startswith("spark."):
            return f"conf.{name}"
        if name == "conf" or name.startswith("conf.spark."):
            return name
        option = option_named(name)
        if option is None or not option.in_files:
            known = [key for key, option in BY_NAME.items() if option.in_files]
            raise self._error(
                ("locked",), f"{name} is not an option that can be locked.",
                did_you_mean(name, known, otherwise='Write locked = ["image", "memory"]'),
            )  # fmt: skip
        return option.key

    def _table(self, value: object, path: KeyPath) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            name = ".".join(path)
            raise self._error(path, f"{name} is not a table.", f"Write [{name}], and its options below it.")
        return value

    def _origin(self, path: KeyPath) -> str:
        return f"{self._file}:{self._lines.get(path, 1)}"

    def _error(self, path: KeyPath, problem: str, fix: str) -> SettingsError:
        return SettingsError(f"{self._origin(path)}: {problem}", fix=fix)

    @contextmanager
    def _at(self, path: KeyPath) -> Iterator[None]:
        """Give errors of the block the line of ``path``."""
        try:
            yield
        except UsageError as error:
            raise self._error(path, error.problem, error.fix) from error
