"""Never trust a watch."""

from __future__ import annotations

import itertools

import pytest
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from sparkk8s_nb.errors import ClusterError
from sparkk8s_nb.kube.watch import TRIES, Backoff, Change, Follower, Lost, Snapshot


def pod(name, version="1"):
    return {"metadata": {"name": name, "resourceVersion": version}}


def event(kind, name, version="1"):
    return {"type": kind, "object": pod(name, version)}


def listed(transport, *names, version="5"):
    transport.answer({"items": [pod(name) for name in names], "metadata": {"resourceVersion": version}})


END = {"metadata": {"resourceVersion": "7", "annotations": {"k8s.io/initial-events-end": "true"}}}


def all_of(*names):
    """What a watch begins with that begins with a list."""
    return *(event("ADDED", name) for name in names), {"type": "BOOKMARK", "object": END}


@pytest.fixture
def follow(cluster, clock):
    """The first ``n`` events of a follower."""

    def run(n):
        follower = Follower(cluster, "Pod", "a=b", backoff=Backoff(chance=lambda: 1.0), clock=clock)
        events = follower.events(clock)
        found = list(itertools.islice(events, n))
        events.close()
        return found

    return run


def test_it_lists_and_then_watches_from_that_list(follow, transport, stream):
    """The list's version is where the watch begins, with bookmarks and an end."""
    listed(transport, "a", version="5")
    transport.streams.append(stream(event("ADDED", "b", "6")))
    found = follow(2)
    assert isinstance(found[0], Snapshot)
    assert found[1] == Change(type="ADDED", object=pod("b", "6"))
    query = transport.requests[1].query
    assert query["resourceVersion"] == "5"
    assert query["allowWatchBookmarks"] == "true"
    assert query["labelSelector"] == "a=b"
    assert 55 <= int(query["timeoutSeconds"]) < 65


def test_a_watch_that_ends_goes_on_where_it_was(follow, transport, stream):
    """No new list: the last version, a bookmark's too, is enough."""
    listed(transport)
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}
    transport.streams += [stream(bookmark), stream(event("ADDED", "b", "10"))]
    assert [type(found) for found in follow(2)] == [Snapshot, Change]
    assert transport.requests[2].query["resourceVersion"] == "9"


def test_a_version_that_is_too_old_leads_to_a_new_list(follow, transport, stream):
    """410 as a status or inside the stream: nobody is told of a loss, the list says it all."""
    listed(transport, "a")
    transport.streams.append(stream(b'{"message": "too old"}', status=410))
    listed(transport, "b")
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
    transport.streams += [stream(gone), stream(*all_of("c"), event("ADDED", "d"))]
    found = follow(4)
    assert [type(item) for item in found] == [Snapshot, Snapshot, Snapshot, Change]
    assert found[2].objects[0]["metadata"]["name"] == "c"


def test_after_a_loss_one_request_lists_and_watches(follow, transport, stream):
    """The watch begins with the list, and goes on from there."""
    listed(transport, "a")
    broken = stream(event("ADDED", "b"), ProtocolError("broken"))
    transport.streams += [
        broken,
        stream(*all_of("a", "b"), event("DELETED", "a")),
        stream(event("ADDED", "c")),
    ]
    found = follow(5)
    assert [type(item) for item in found] == [Snapshot, Change, Snapshot, Change, Change]
    assert [pod["metadata"]["name"] for pod in found[2].objects] == ["a", "b"]
    _, _, both, goes_on = transport.requests
    assert "resourceVersion" not in both.query
    assert (both.query["sendInitialEvents"], both.query["resourceVersionMatch"]) == ("true", "NotOlderThan")
    assert "sendInitialEvents" not in goes_on.query
    assert goes_on.query["resourceVersion"] == "1"


def test_what_changes_while_the_list_comes_counts_as_it_was_told_last(follow, transport, stream):
    """A pod that went before the end of the list is not in it, and one that changed is once."""
    listed(transport)
    changed = event("MODIFIED", "a", "6")
    began = [event("ADDED", "a"), event("ADDED", "b"), event("DELETED", "b", "5"), changed, *all_of()]
    transport.streams += [stream(ProtocolError("x")), stream(*began)]
    (found,) = follow(2)[1:]
    assert [(pod["metadata"]["name"], pod["metadata"]["resourceVersion"]) for pod in found.objects] == [
        ("a", "6")
    ]


@pytest.mark.parametrize("version", ["7", "8"])
def test_a_watch_that_began_with_a_list_goes_on_from_its_end(follow, transport, stream, version):
    """The version of the bookmark, or of a later change."""
    listed(transport)
    later = [event("ADDED", "b", "8")] if version == "8" else []
    transport.streams += [stream(ProtocolError("x")), stream(*all_of(), *later), stream(event("ADDED", "c"))]
    follow(3 + len(later))
    assert transport.requests[-1].query["resourceVersion"] == version


def test_a_server_that_cannot_is_asked_for_both_from_then_on(follow, transport, stream):
    """Older ones refuse what they do not know."""
    listed(transport)
    refusal = b'{"message": "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch"}'
    transport.streams += [stream(ProtocolError("x")), stream(refusal, status=422)]
    for name in ("a", "b"):
        listed(transport, name)
        transport.streams.append(stream(ProtocolError("x")))
    found = [item for item in follow(5) if isinstance(item, Snapshot)]
    assert [pod["metadata"]["name"] for each in found for pod in each.objects] == ["a", "b"]
    assert sum("sendInitialEvents" in request.query for request in transport.requests) == 1


@pytest.mark.parametrize("no_list", [(), (event("ADDED", "a"),), (ReadTimeoutError(None, "/", "timed out"),)])
def test_a_list_in_a_watch_that_does_not_end_is_given_up(follow, transport, stream, no_list):
    """A proxy that holds answers back, a server that forgets the bookmark: a plain list says it all."""
    listed(transport)
    transport.streams += [stream(ProtocolError("x")), *(stream(*no_list) for _ in range(TRIES))]
    listed(transport, "b")
    found = follow(1 + TRIES + 1)
    assert [type(item) for item in found] == [Snapshot, *[Lost] * TRIES, Snapshot]
    assert found[-1].objects[0]["metadata"]["name"] == "b"


def test_a_server_that_is_away_has_refused_nothing(follow, transport, stream):
    """However long it is: then one request is enough, also if it refuses at first."""
    listed(transport)
    transport.streams += [stream(ProtocolError("x")), *[ConnectionRefusedError(111, "refused")] * 2 * TRIES]
    transport.streams += [stream(b"{}", status=403), stream(*all_of("a"))]
    found = follow(2 + 2 * TRIES + 1)
    assert [type(item) for item in found] == [Snapshot, *[Lost] * (2 * TRIES + 1), Snapshot]
    assert [request.query.get("limit") for request in transport.requests].count("500") == 1


@pytest.mark.parametrize(
    "broken",
    [
        ProtocolError("Connection broken"),
        ReadTimeoutError(None, "/", "timed out"),
        OSError("reset"),
        b"half a li",
        b"[]",
        b'{"type": "ADDED"}',
        {"type": "ADDED", "object": None},
        {"type": "ERROR", "object": {"code": 500, "message": "etcd"}},
        {"type": "ERROR", "object": {}},
    ],
)
def test_whatever_breaks_a_watch_leads_to_a_new_list(follow, transport, stream, broken):
    """Half a line, silence, an internal error."""
    listed(transport, "a")
    first = stream(event("ADDED", "b"), broken)
    transport.streams += [first, stream(*all_of("a", "b"))]
    assert [type(item) for item in follow(3)] == [Snapshot, Change, Snapshot]
    assert first.closed


def test_an_outage_is_told_after_the_first_failure_and_ends_with_a_list(follow, transport, stream, clock):
    """One hiccup is silent; then the view says that it is old, until the list comes."""
    listed(transport)
    away = [ConnectionRefusedError(111, "Connection refused")] * 3
    transport.streams += [stream(ProtocolError("broken")), *away, stream(*all_of("a"))]
    found = follow(5)
    assert [type(item) for item in found] == [Snapshot, Lost, Lost, Lost, Snapshot]
    assert "refused" in found[1].problem
    assert clock.slept == [0.2, 0.4, 0.8, 1.6]


def test_a_right_to_list_but_not_to_watch_becomes_slow_polling(follow, transport, stream, clock):
    """It must not hammer the server, and it must not look live."""
    for _ in range(4):
        listed(transport)
        transport.streams.append(stream(b'{"message": "forbidden"}', status=403))
    found = follow(7)
    assert [type(item) for item in found[:5]] == [Snapshot, Snapshot, Lost, Snapshot, Lost]
    assert clock.slept == [0.2, 0.4, 0.8]


def test_a_server_that_ends_every_watch_at_once_is_not_hammered(follow, transport, stream, clock):
    """Some proxies do."""
    listed(transport)
    transport.streams += [stream(), stream(), stream(event("ADDED", "a"))]
    assert [type(item) for item in follow(2)] == [Snapshot, Change]
    assert clock.slept == [0.2, 0.4]


def test_it_ends_with_the_stop(follow, transport, clock):
    """Also between two tries."""
    clock.stop_at = 101.0
    transport.answers += [ConnectionRefusedError(111, "refused")] * 9
    assert len(follow(99)) < 9


def test_pauses_grow_to_a_bound_and_shrink_when_all_is_well():
    """Jitter keeps at least half of the bound."""
    backoff = Backoff(chance=lambda: 0.0)
    assert [backoff.next() for _ in range(8)][-1] == 7.5
    backoff.reset()
    assert backoff.next() == 0.1


def test_errors_of_our_own_code_are_not_taken_for_the_network(cluster, transport, clock):
    """Only what a cluster can do is survived."""
    transport.answers.append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        next(Follower(cluster, "Pod", "", clock=clock).events(clock))
    assert not issubclass(ZeroDivisionError, ClusterError)
