"""The store: versions that only grow, conflicts that are told, a history that knows its limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sparkk8s_nb.embedded.resources import CONFIG_MAPS, SECRETS
from sparkk8s_nb.embedded.status import StatusError
from sparkk8s_nb.embedded.store import Store


def body(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default"}, **more}


def test_every_change_has_a_higher_version(store: Store) -> None:
    """Versions are numbers that grow with each change, over all kinds."""
    first = store.create(CONFIG_MAPS, body("a"))
    second = store.create(SECRETS, body("a"))
    third = store.replace(CONFIG_MAPS, {**first, "data": {"k": "v"}})
    versions = [int(each["metadata"]["resourceVersion"]) for each in (first, second, third)]
    assert versions == sorted(set(versions))


def test_an_object_in_the_store_is_never_changed_in_place(store: Store) -> None:
    """Whoever holds the old object still sees the old content."""
    first = store.create(CONFIG_MAPS, body("a", data={"k": "1"}))
    store.replace(CONFIG_MAPS, {**first, "data": {"k": "2"}})
    assert first["data"] == {"k": "1"}


def test_a_name_can_be_given_once(store: Store) -> None:
    """A second object of that name is refused with 409 AlreadyExists."""
    store.create(CONFIG_MAPS, body("a"))
    with pytest.raises(StatusError) as caught:
        store.create(CONFIG_MAPS, body("a"))
    assert (caught.value.code, caught.value.reason) == (409, "AlreadyExists")


def test_an_update_of_an_old_version_is_a_conflict(store: Store) -> None:
    """Two that read the same version: the second to write gets 409 Conflict."""
    first = store.create(CONFIG_MAPS, body("a"))
    store.replace(CONFIG_MAPS, {**first, "data": {"k": "1"}})
    with pytest.raises(StatusError) as caught:
        store.replace(CONFIG_MAPS, {**first, "data": {"k": "2"}})
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")


def test_an_update_without_a_version_always_wins(store: Store) -> None:
    """Leaving the version out means: whatever is there."""
    store.create(CONFIG_MAPS, body("a"))
    assert store.replace(CONFIG_MAPS, body("a", data={"k": "2"}))["data"] == {"k": "2"}


def test_an_update_of_another_incarnation_is_a_conflict(store: Store) -> None:
    """The uid is who it is: an object made anew under the old name is another."""
    old = store.create(CONFIG_MAPS, body("a"))
    store.remove(CONFIG_MAPS, "default", "a")
    store.create(CONFIG_MAPS, body("a"))
    update = body("a")
    update["metadata"]["uid"] = old["metadata"]["uid"]
    with pytest.raises(StatusError, match="Precondition failed: UID"):
        store.replace(CONFIG_MAPS, update)


def test_an_update_that_changes_nothing_is_no_change(store: Store) -> None:
    """Neither version nor watchers hear of it."""
    first = store.create(CONFIG_MAPS, body("a", data={"k": "1"}))
    before = store.version
    assert store.replace(CONFIG_MAPS, {**first}) is first
    assert store.version == before


def test_a_deletion_has_a_version_of_its_own(store: Store) -> None:
    """The DELETED object carries the version of the deletion, as watchers need it."""
    made = store.create(CONFIG_MAPS, body("a"))
    gone = store.remove(CONFIG_MAPS, "default", "a")
    assert int(gone["metadata"]["resourceVersion"]) == store.version
    assert made["metadata"]["resourceVersion"] != gone["metadata"]["resourceVersion"]


def test_changes_come_in_order_after_a_version(store: Store) -> None:
    """A cursor sees each later change once, oldest first."""
    store.create(CONFIG_MAPS, body("a"))
    cursor = store.version
    store.create(CONFIG_MAPS, body("b"))
    store.remove(CONFIG_MAPS, "default", "b")
    assert [each.type for each in store.changes_after(cursor)] == ["ADDED", "DELETED"]
    assert list(store.changes_after(store.version)) == []


def test_a_cursor_older_than_the_history_is_expired(clock: Callable[[], datetime]) -> None:
    """410, so that the client lists again, rather than a silent gap."""
    store = Store(clock=clock, history=3)
    start = store.version
    for name in "abcd":
        store.create(CONFIG_MAPS, body(name))
    with pytest.raises(StatusError) as caught:
        store.changes_after(start)
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert len(list(store.changes_after(start + 1))) == 3


def test_a_cursor_of_an_earlier_daemon_is_expired(clock: Callable[[], datetime]) -> None:
    """A new daemon starts above all versions that an earlier one has given."""
    store = Store(clock=clock, first_version=1000)
    with pytest.raises(StatusError, match="too old"):
        store.changes_after(7)


def test_a_list_of_the_past_is_what_it_was(store: Store) -> None:
    """Paged lists go on with the state of their first page."""
    store.create(CONFIG_MAPS, body("a", data={"k": "1"}))
    store.create(CONFIG_MAPS, body("b"))
    then = store.version
    store.remove(CONFIG_MAPS, "default", "b")
    store.create(CONFIG_MAPS, body("c"))
    store.replace(CONFIG_MAPS, body("a", data={"k": "2"}))
    past = store.list_at(CONFIG_MAPS, "default", then)
    assert [(each["metadata"]["name"], each.get("data")) for each in past] == [("a", {"k": "1"}), ("b", None)]


def test_dependents_are_found_by_their_owners_uid(store: Store) -> None:
    """Also after an update took the reference away."""
    owner = store.create(CONFIG_MAPS, body("owner"))
    uid = owner["metadata"]["uid"]
    child = body("child")
    child["metadata"]["ownerReferences"] = [{"uid": uid}]
    made = store.create(SECRETS, child)
    assert [each["metadata"]["name"] for _, each in store.dependents(uid)] == ["child"]
    store.replace(SECRETS, {**made, "metadata": {**made["metadata"], "ownerReferences": []}})
    assert list(store.dependents(uid)) == []


def test_a_listener_hears_each_change_until_it_unsubscribes(store: Store) -> None:
    """Subscriptions end."""
    heard: list[str] = []
    end = store.subscribe(lambda change: heard.append(change.type))
    store.create(CONFIG_MAPS, body("a"))
    end()
    store.remove(CONFIG_MAPS, "default", "a")
    assert heard == ["ADDED"]
