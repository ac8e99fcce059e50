"""Watches: a cursor into the store's history that gives events as bytes. No transport here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sparkk8s_nb.embedded import status
from sparkk8s_nb.embedded.objects import Object, namespace_of
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.selectors import Condition
from sparkk8s_nb.embedded.store import Change, Store

Convert = Callable[[Object], Any]


class Watch:
    """What one client sees of one kind.

    Parameters
    ----------
    store : Store
        What is watched.
    resource, namespace
        Which objects; namespace None means all.
    condition : callable, optional
        Selectors; an object that begins to fit is ADDED, one that ceases to is DELETED.
    version : int or None
        Where to start; None begins with every present object as ADDED.
    convert : callable, optional
        Gives what is sent for an object (a Table, another API version); default is the object itself.
    bookmarks : bool
        Whether the client understands BOOKMARK events.
    announce_initial : bool
        Whether a bookmark is to mark the end of the present objects (``sendInitialEvents``).

    Raises
    ------
    StatusError
        410 (from :meth:`pending`) when the cursor has fallen out of the history.
    """

    def __init__(
        self,
        store: Store,
        resource: Resource,
        namespace: str | None,
        *,
        condition: Condition | None = None,
        version: int | None = None,
        convert: Convert | None = None,
        bookmarks: bool = False,
        announce_initial: bool = False,
    ) -> None:
        self._store = store
        self._resource = resource
        self._namespace = namespace
        self._condition = condition
        self._convert = convert
        self.bookmarks = bookmarks
        self._announce = announce_initial
        self._initial = version is None
        self._cursor = store.version if version is None else version

    def pending(self) -> list[bytes]:
        """The events since the last call, each one line of JSON without its newline."""
        events: list[bytes] = []
        if self._initial:
            self._initial = False
            self._cursor = self._store.version
            events = [
                self._event("ADDED", obj, None)
                for obj in self._store.all(self._resource, self._namespace)
                if self._condition is None or self._condition(obj)
            ]
            if self._announce:
                events.append(self.bookmark(initial_end=True))
            return events
        for change in self._store.changes_after(self._cursor):
            self._cursor = change.version
            kind = self._seen(change)
            if kind is not None:
                events.append(self._event(kind, change.obj, change))
        return events

    def _seen(self, change: Change) -> str | None:
        """What a change is to this watcher (None: nothing)."""
        if change.resource is not self._resource:
            return None
        if self._namespace is not None and namespace_of(change.obj) != self._namespace:
            return None
        if self._condition is None:
            return change.type
        before = change.previous is not None and self._condition(change.previous)
        if change.type == "DELETED":
            return "DELETED" if before else None
        after = self._condition(change.obj)
        if before and after:
            return "MODIFIED"
        if after:
            return "ADDED"
        return "DELETED" if before else None

    def _event(self, kind: str, obj: Object, change: Change | None) -> bytes:
        if self._convert is not None:
            body = json.dumps(self._convert(obj), separators=(",", ":")).encode()
        elif change is not None:
            body = change.encoded()
        else:
            body = json.dumps(obj, separators=(",", ":")).encode()
        return b'{"type":"' + kind.encode() + b'","object":' + body + b"}"

    def bookmark(self, *, initial_end: bool = False) -> bytes:
        """An event that only says how far this watch has come."""
        metadata: dict[str, Any] = {"resourceVersion": str(self._cursor), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        obj = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": metadata}
        return json.dumps({"type": "BOOKMARK", "object": obj}, separators=(",", ":")).encode()


def error_event(error: status.StatusError) -> bytes:
    """The event that ends a watch which cannot go on."""
    return json.dumps({"type": "ERROR", "object": error.body()}, separators=(",", ":")).encode()


def start_version(text: str | None, *, send_initial: bool) -> int | None:
    """Where a watch starts: unset and ``0`` mean the present objects first.

    >>> start_version("7", send_initial=False), start_version("0", send_initial=False)
    (7, None)

    Raises
    ------
    StatusError
        400 for what is no version.
    """
    if text in (None, "", "0") or send_initial:
        return None
    if not str(text).isdigit():
        raise status.bad_request(f'Invalid value: "{text}": resourceVersion must be a number')
    return int(str(text))
