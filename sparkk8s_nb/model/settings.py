"""The settings of a start: defaults, files, profile and line merged, each value with its origin.

Order, later wins: defaults, the administrator's file, the user's, the project's, the profile, the line. What
the administrator's file locks wins over all. Confs are merged key by key, everything else as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from sparkk8s_nb.errors import SettingsError, UsageError
from sparkk8s_nb.model.confs import is_secret
from sparkk8s_nb.model.draft import StartLine
from sparkk8s_nb.model.layers import Layer, Setting, SettingTable, Source
from sparkk8s_nb.model.options import BY_KEY, OPTIONS, Applies, Many, option_named
from sparkk8s_nb.model.suggest import did_you_mean

DEFAULT = "default"
ON_THE_LINE = "line"
HIDDEN = "(hidden)"

_POD_SIZE = ("memory", "executor_memory", "memory_overhead", "memory_overhead_factor")
_INSTEAD_OF = {"memory": "executor_memory", "executor_memory": "memory"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One row of ``%sparkk8s conf``.

    Parameters
    ----------
    key, value, origin : str
        For people; the value of a secret is hidden, that of something computed is empty.
    applies : Applies
        Whether a change has an effect now or at the next start.
    private : bool
        Whether the value names a cluster or namespace, which no saved notebook may.
    locked : str
        Where the administrator locks it.
    """

    key: str
    value: str
    origin: str
    applies: Applies = Applies.RESTART
    private: bool = False
    locked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Mapping[str, Setting]):
    """All settings of a start, by option key; a Spark conf's key is ``conf.`` and its name.

    Parameters
    ----------
    entries : SettingTable
    pod_templates : tuple of Path
        The administrator's, then the user's: both apply.
    """

    entries: SettingTable
    pod_templates: tuple[Path, ...] = ()

    def __getitem__(self, key: str) -> Setting:
        return self.entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def conf(self) -> dict[str, str]:
        """Spark confs of the user's own, from all layers."""
        return {key[5:]: str(s.value) for key, s in self.entries.items() if key.startswith("conf.")}

    def options(self) -> dict[str, object]:
        """Plain values by option key, with ``conf`` as one mapping and ``pod_templates``."""
        found = {key: setting.value for key, setting in self.entries.items() if not key.startswith("conf.")}
        return found | {"conf": self.conf, "pod_templates": self.pod_templates}

    def table(self, effective: Mapping[str, object] | None = None) -> tuple[SettingRow, ...]:
        """Return all settings for people: options in the order of help, then confs by name.

        Parameters
        ----------
        effective : Mapping, optional
            By key, what a running session has made of values that are computed at the start.
        """
        computed = effective or {}
        options = [self._row(self.entries[o.key], computed) for o in OPTIONS if o.key in self.entries]
        confs = [
            self._row(self.entries[key], computed) for key in sorted(self.entries) if key.startswith("conf.")
        ]
        return (*options, *confs)

    def row(self, key: str, effective: Mapping[str, object] | None = None) -> SettingRow:
        """Return one setting for people; ``key`` is an option's name or a Spark conf's.

        Raises
        ------
        UsageError
            If there is no such setting.
        """
        option = option_named(key)
        for name in (option.key if option else key, f"conf.{key}"):
            if name in self.entries:
                return self._row(self.entries[name], effective or {})
        known = [name.removeprefix("conf.") for name in self.entries]
        if key.startswith("spark."):
            raise UsageError(f"The conf {key} is not set.", fix=f"Set it with %sparkk8s conf {key}=VALUE")
        raise UsageError(
            f"There is no setting {key}.",
            fix=did_you_mean(key, known, otherwise="%sparkk8s conf lists them all."),
        )

    def _row(self, setting: Setting, effective: Mapping[str, object]) -> SettingRow:
        option = BY_KEY.get(setting.key)
        if option is None:
            name = setting.key.removeprefix("conf.")
            shown = HIDDEN if is_secret(name) else str(setting.value)
            return SettingRow(key=name, value=shown, origin=setting.origin, locked=setting.locked)
        value, origin = setting.value, setting.origin
        if value is None and (value := effective.get(setting.key)) is not None:
            origin = "computed"
        shown = "" if value is None else option.kind.show(value)
        return SettingRow(
            key=setting.key, value=shown, origin=origin, applies=option.applies, private=option.private,
            locked=setting.locked,
        )  # fmt: skip


def resolve(layers: Sequence[Layer], line: StartLine) -> Settings:
    """Merge all layers and the line.

    Parameters
    ----------
    layers : sequence of Layer
        As found: the administrator's, the user's, the project's; any may be missing.
    line : StartLine

    Raises
    ------
    UsageError
        If the line sets what is locked, or names a profile that there is not.
    SettingsError
        If a file names such a profile.

    Examples
    --------
    >>> from sparkk8s_nb.model.startline import parse_start
    >>> settings = resolve((), parse_start(["-n", "4"]))
    >>> settings["executors"].value, settings["executors"].origin, settings["timeout"].origin
    (4, 'line', 'default')
    """
    said = _line_settings(line)
    locks = _locks(layers)
    _check_locks(said, locks, _admins(layers))
    files = [layer.start for layer in layers]
    merged = _merge([_defaults(), *files], locks, layers)
    if line.profile:
        merged |= {"profile": said["profile"]}
    stack = [_defaults(), *files, *_profile_tables(layers, merged["profile"]), said]
    merged = _merge(stack, locks, layers)
    return Settings(
        entries=MappingProxyType(_with_wait_that_can_be(merged)),
        pod_templates=_pod_templates(merged["pod_template"], _admins(layers).get("pod_template")),
    )


def profile_names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Return the profiles that files define, in order, each once."""
    return tuple(dict.fromkeys(name for layer in layers for name in layer.profiles))


def _defaults() -> dict[str, Setting]:
    return {
        option.key: Setting(key=option.key, value=option.default, origin=DEFAULT)
        for option in OPTIONS
        if option.in_files and option.many is not Many.MAP
    }


def _line_settings(line: StartLine) -> dict[str, Setting]:
    values = dict(line.values)
    conf = values.pop("conf", {})
    if isinstance(conf, Mapping):
        values |= {f"conf.{key}": text for key, text in conf.items()}
    if line.profile:
        values["profile"] = line.profile
    return {key: Setting(key=key, value=value, origin=ON_THE_LINE) for key, value in values.items()}


def _merge(
    stack: Sequence[SettingTable], locks: Mapping[str, str], layers: Sequence[Layer]
) -> dict[str, Setting]:
    """Lay one table over the other; of locked keys only defaults and the administrator's table count."""
    admins = _admins(layers)
    merged: dict[str, Setting] = {}
    for table in stack:
        for key, setting in table.items():
            lock = _lock_of(key, locks)
            if lock and setting.origin != DEFAULT and table is not admins:
                if key in merged and merged[key].value != setting.value:
                    merged[key] = replace(merged[key], ignored=(*merged[key].ignored, setting.origin))
                continue
            merged[key] = replace(setting, locked=lock)
            if (other := _INSTEAD_OF.get(key)) and setting.value is not None:
                merged[other] = replace(merged[other], value=None, origin=DEFAULT)
    return merged


def _admins(layers: Sequence[Layer]) -> SettingTable:
    return next((layer.start for layer in layers if layer.source is Source.ADMIN), MappingProxyType({}))


def _locks(layers: Sequence[Layer]) -> dict[str, str]:
    """Return the locked keys; a pod's size is one thing, however it is said."""
    locks: dict[str, str] = {}
    for layer in layers:
        for key, origin in layer.locked.items():
            for each in _POD_SIZE if key in _POD_SIZE else (key,):
                locks.setdefault(each, origin)
    return locks


def _lock_of(key: str, locks: Mapping[str, str]) -> str:
    return locks.get(key) or (locks.get("conf", "") if key.startswith("conf.") else "")


def _check_locks(said: SettingTable, locks: Mapping[str, str], admins: SettingTable) -> None:
    for key, setting in said.items():
        lock = _lock_of(key, locks)
        option = BY_KEY.get(key)
        wanted = admins[key].value if key in admins else (option.default if option else None)
        if not lock or setting.value == wanted:
            continue
        name = key.removeprefix("conf.") if option is None else (*option.flags[:1], key)[0]
        raise UsageError(f"{name} is locked by the administrator ({lock}).", fix="Leave it away.")


def _profile_tables(layers: Sequence[Layer], chosen: Setting) -> list[SettingTable]:
    if chosen.value is None:
        return []
    name = str(chosen.value)
    tables = [layer.profiles[name] for layer in layers if name in layer.profiles]
    if tables:
        return tables
    known = profile_names(layers)
    listed = f"There are: {', '.join(known)}." if known else "Define it in your config.toml: [profiles.NAME]"
    fix = did_you_mean(name, known, otherwise=listed)
    if chosen.origin == ON_THE_LINE:
        raise UsageError(f"There is no profile {name}.", fix=fix)
    raise SettingsError(f"{chosen.origin}: there is no profile {name}.", fix=fix)


def _with_wait_that_can_be(merged: dict[str, Setting]) -> dict[str, Setting]:
    """Never wait for more executors than are asked for: the two may come from different files."""
    wait, executors = merged["wait"].value, merged["executors"].value
    if isinstance(wait, int) and isinstance(executors, int) and wait > executors:
        return merged | {"wait": replace(merged["wait"], value=executors)}
    return merged


def _pod_templates(chosen: Setting, admins: Setting | None) -> tuple[Path, ...]:
    paths = [setting.value for setting in (admins, chosen) if setting is not None]
    return tuple(dict.fromkeys(path for path in paths if isinstance(path, Path)))
