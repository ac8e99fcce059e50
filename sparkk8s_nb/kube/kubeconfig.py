"""Reading kubeconfig files: which contexts there are, and what one of them says. Contacts nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.model.suggest import did_you_mean

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextInfo:
    """One context to choose.

    Parameters
    ----------
    name, server, user : str
    namespace : str
        Empty where the context names none.
    current : bool
        Whether kubectl would use it.
    kubeconfig : Path or None
        The file it is in.
    """

    name: str
    server: str
    namespace: str
    user: str
    current: bool
    kubeconfig: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A named part of a kubeconfig, and the directory that its relative paths start from."""

    content: Json = field(repr=False)
    file: Path

    def path(self, key: str) -> Path | None:
        """The file that ``key`` names."""
        value = self.content.get(key)
        return self.file.parent / str(value) if value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """One or more files, merged as kubectl does: the first that says something wins."""

    current: str
    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What one context says."""

    name: str
    namespace: str
    cluster: Entry
    user: Entry


def default_kubeconfigs(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The files that kubectl would read: ``$KUBECONFIG``, else ``~/.kube/config``.

    >>> [path.as_posix() for path in default_kubeconfigs({"KUBECONFIG": "/a:/b"}, Path("/home/ada"))]
    ['/a', '/b']
    >>> [path.as_posix() for path in default_kubeconfigs({}, Path("/home/ada"))]
    ['/home/ada/.kube/config']
    """
    listed = [part for part in environ.get("KUBECONFIG", "").split(":") if part]
    if not listed:
        return (home / ".kube" / "config",)
    return tuple(Path(part).expanduser() for part in listed)


def contexts(paths: Sequence[Path]) -> tuple[ContextInfo, ...]:
    """All contexts in those files; files that do not exist are passed over, as kubectl does.

    Raises
    ------
    ConnectError
        If a file cannot be read or is no kubeconfig.
    """
    merged = load([path for path in paths if path.exists()])
    return tuple(
        ContextInfo(
            name=name,
            server=_text(_part(merged.clusters, entry.content.get("cluster")), "server"),
            namespace=_text(entry.content, "namespace"),
            user=_text(entry.content, "user"),
            current=name == merged.current,
            kubeconfig=entry.file,
        )
        for name, entry in merged.contexts.items()
    )


def load(paths: Sequence[Path]) -> Kubeconfig:
    """Read and merge files, all of which must exist.

    Raises
    ------
    ConnectError
        If one is missing, unreadable, malformed or no kubeconfig.
    """
    current = ""
    parts: dict[str, dict[str, Entry]] = {"contexts": {}, "clusters": {}, "users": {}}
    for path in paths:
        document = _document(path)
        current = current or _text(document, "current-context")
        for section, found in parts.items():
            for name, content in _named(document, section, path):
                found.setdefault(name, Entry(content=content, file=path))
    return Kubeconfig(current=current, files=tuple(paths), **parts)


def choose(config: Kubeconfig, context: str = "") -> Chosen:
    """What a context says (default: the current one).

    Raises
    ------
    ConnectError
        If there is no such context, or it names a cluster or user that is not there.
    """
    files = ", ".join(str(path) for path in config.files)
    name = context or config.current
    if not name:
        raise ConnectError(
            f"{files} has no current context.", fix="Name one with --context, or kubectl config use-context."
        )
    if name not in config.contexts:
        known = ", ".join(sorted(config.contexts)) or "none"
        raise ConnectError(
            f"There is no context {name} in {files}.",
            fix=" ".join(filter(None, [did_you_mean(name, config.contexts), f"There are: {known}."])),
        )
    content = config.contexts[name].content
    cluster = config.clusters.get(_text(content, "cluster"))
    if cluster is None or not _text(cluster.content, "server"):
        raise ConnectError(
            f"The context {name} in {files} has no cluster with a server.",
            fix="Repair the file: its cluster must be listed under clusters, with server: https://...",
        )
    user = config.users.get(_text(content, "user"))
    if user is None and _text(content, "user"):
        raise ConnectError(
            f"The context {name} in {files} names a user that is not there: {_text(content, 'user')}.",
            fix="Repair the file: log in to the cluster again.",
        )
    return Chosen(
        name=name,
        namespace=_text(content, "namespace"),
        cluster=cluster,
        user=user or Entry(content={}, file=cluster.file),
    )


def _document(path: Path) -> Json:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConnectError(
            f"There is no kubeconfig at {path}.",
            fix="Check the path, or %sparkk8s start --context embedded for the cluster of this machine.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConnectError(
            f"The kubeconfig {path} cannot be read: {reason}.", fix="Make the file readable for you."
        ) from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ConnectError(
            f"The kubeconfig {path} is malformed{where}: {getattr(error, 'problem', None) or 'no YAML'}.",
            fix="Repair the file, or get it anew from the cluster.",
        ) from error
    if not isinstance(document, dict):
        raise _no_kubeconfig(path)
    return document


def _named(document: Json, section: str, path: Path) -> Iterator[tuple[str, Json]]:
    """The ``(name, content)`` pairs of a section: ``users: [{name: ada, user: {...}}]``."""
    for item in document.get(section) or []:
        content = item.get(section.removesuffix("s")) if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(content, (dict, type(None))) or "name" not in item:
            raise _no_kubeconfig(path)
        yield str(item["name"]), content or {}


def _no_kubeconfig(path: Path) -> ConnectError:
    return ConnectError(
        f"{path} is not a kubeconfig.", fix="Name a kubeconfig, or get one anew from the cluster."
    )


def _part(entries: Mapping[str, Entry], name: object) -> Json:
    entry = entries.get(str(name))
    return entry.content if entry else {}


def _text(content: Json, key: str) -> str:
    return str(content.get(key) or "")
