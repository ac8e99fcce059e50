"""Watches: a cursor that sees each change once, as its selectors see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sparkk8s_nb.embedded import selectors
from sparkk8s_nb.embedded.resources import CONFIG_MAPS, SECRETS
from sparkk8s_nb.embedded.status import StatusError
from sparkk8s_nb.embedded.store import Store
from sparkk8s_nb.embedded.watch import Watch, error_event, start_version


def make(store: Store, name: str, namespace: str = "default", **labels: str) -> dict[str, Any]:
    return store.create(CONFIG_MAPS, {"metadata": {"name": name, "namespace": namespace, "labels": labels}})


def seen(watch: Watch) -> list[tuple[str, str]]:
    events = [json.loads(event) for event in watch.pending()]
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


def test_a_watch_from_nowhere_begins_with_what_is_there(store: Store) -> None:
    """And goes on from there, without a gap and without a repetition."""
    make(store, "a")
    watch = Watch(store, CONFIG_MAPS, "default")
    make(store, "b")
    assert seen(watch) == [("ADDED", "a"), ("ADDED", "b")]
    store.remove(CONFIG_MAPS, "default", "a")
    assert seen(watch) == [("DELETED", "a")]
    assert seen(watch) == []


def test_a_watch_from_a_version_sees_what_came_after(store: Store) -> None:
    """Only its kind and its namespace."""
    make(store, "a")
    watch = Watch(store, CONFIG_MAPS, "default", version=store.version)
    make(store, "b")
    make(store, "c", namespace="other")
    store.create(SECRETS, {"metadata": {"name": "s", "namespace": "default"}})
    assert seen(watch) == [("ADDED", "b")]


def test_a_watch_of_all_namespaces_sees_all(store: Store) -> None:
    """Namespace None."""
    watch = Watch(store, CONFIG_MAPS, None, version=store.version)
    make(store, "a")
    make(store, "b", namespace="other")
    assert seen(watch) == [("ADDED", "a"), ("ADDED", "b")]


def test_what_begins_to_fit_is_added_and_what_ceases_to_is_deleted(store: Store) -> None:
    """As the selector sees it, not as the store does."""
    watch = Watch(store, CONFIG_MAPS, None, condition=selectors.labels("x=1"), version=store.version)
    obj = make(store, "a", x="0")
    for value in ("1", "1b", "1"):
        metadata = {**obj["metadata"], "labels": {"x": value}, "resourceVersion": None}
        obj = store.replace(CONFIG_MAPS, {**obj, "metadata": metadata})
    obj = store.replace(CONFIG_MAPS, {**obj, "data": {"k": "v"}})
    store.remove(CONFIG_MAPS, "default", "a")
    kinds = [kind for kind, _ in seen(watch)]
    assert kinds == ["ADDED", "DELETED", "ADDED", "MODIFIED", "DELETED"]


def test_a_deletion_of_what_never_fitted_is_not_told(store: Store) -> None:
    """There is nothing to forget."""
    watch = Watch(store, CONFIG_MAPS, None, condition=selectors.labels("x=1"), version=store.version)
    make(store, "a", x="0")
    store.remove(CONFIG_MAPS, "default", "a")
    assert seen(watch) == []


def test_a_watch_that_falls_behind_is_expired(clock: Callable[[], datetime]) -> None:
    """And its client is told so in the stream."""
    store = Store(clock=clock, history=2)
    watch = Watch(store, CONFIG_MAPS, None, version=store.version)
    for name in "abc":
        make(store, name)
    with pytest.raises(StatusError) as caught:
        watch.pending()
    event = json.loads(error_event(caught.value))
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_bookmark_says_how_far_the_watch_has_come(store: Store) -> None:
    """Also past changes that it was not shown."""
    watch = Watch(store, CONFIG_MAPS, "default", version=store.version, bookmarks=True)
    store.create(SECRETS, {"metadata": {"name": "s", "namespace": "default"}})
    watch.pending()
    bookmark = json.loads(watch.bookmark())
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["resourceVersion"] == str(store.version)


def test_the_end_of_the_present_objects_can_be_announced(store: Store) -> None:
    """sendInitialEvents."""
    make(store, "a")
    watch = Watch(store, CONFIG_MAPS, None, bookmarks=True, announce_initial=True)
    assert seen(watch) == [("ADDED", "a"), ("BOOKMARK", "")]


@pytest.mark.parametrize(("text", "version"), [(None, None), ("", None), ("0", None), ("12", 12)])
def test_where_a_watch_starts(text: str | None, version: int | None) -> None:
    """Unset and 0 mean: what is there first."""
    assert start_version(text, send_initial=False) == version
    assert start_version(text, send_initial=True) is None
