"""What the keeper asks of the API server."""

from __future__ import annotations

import pytest

from sparkk8s_nb.keeper.client import NotNowError, Renewed


def test_a_renewal_names_the_uid_it_means(api, client):
    """The server compares it: another's Lease is never renewed."""
    api.lease()
    assert client.renew("s", "u", 60.5) is Renewed.YES
    assert api.bodies[0] == {"metadata": {"uid": "u"}, "spec": {"renewTime": "1970-01-01T00:01:00.500000Z"}}


@pytest.mark.parametrize("status", [409, 422])
def test_a_lease_that_is_gone_or_another_s_is_lost(api, client, status):
    """404; another's uid is a conflict on some servers, on most a field that may not change."""
    assert client.renew("s", "u", 0) is Renewed.LOST
    api.foreign_uid_status = status
    api.lease(uid="other")
    assert client.renew("s", "u", 0) is Renewed.LOST


def test_another_field_that_is_invalid_loses_no_lease(api, client):
    """A policy of the cluster, perhaps."""
    api.statuses = [422]
    assert client.renew("s", "u", 0) is Renewed.REFUSED


def test_a_refused_renewal_is_a_result(api, client):
    """Asking again at once would not help."""
    api.statuses = [403]
    assert client.renew("s", "u", 0) is Renewed.REFUSED


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
def test_what_may_pass_is_worth_another_try(api, client, status):
    """A token that is rotated, an API server that restarts."""
    api.statuses = [status]
    with pytest.raises(NotNowError):
        client.pods()


def test_no_answer_and_no_json_are_worth_another_try(api, client):
    """An outage; a proxy's page."""
    api.down = True
    with pytest.raises(NotNowError, match="ConnectionRefusedError"):
        client.delete_pods(0)


def test_the_lease_is_deleted_by_its_present_uid(api, client):
    """One that was made anew without our hearing of it, too."""
    api.lease(uid="new")
    client.delete_lease("s")
    assert api.leases == {}


def test_an_event_says_why_the_lease_goes(api, client):
    """Whether or not we may write it."""
    api.lease(uid="x")
    client.delete_lease("s")
    (event,) = api.events
    assert (event["reason"], event["type"], event["involvedObject"]["uid"]) == ("KernelGone", "Warning", "x")
    assert event["lastTimestamp"] == "1970-01-01T00:01:00Z"
    api.lease()
    api.refused = {("POST", "events"): 403}
    client.delete_lease("s")
    assert api.leases == {}


def test_an_event_that_cannot_be_written_now_does_not_hold_the_lease(api, client):
    """A webhook for Events that is away, say: the Lease can go, and does."""
    api.lease()
    api.refused = {("POST", "events"): 503}
    client.delete_lease("s")
    assert api.leases == {}


def test_a_lease_of_somebody_else_stays(api, client):
    """Same name, no label of this session."""
    api.lease(labels={"sparkk8s-nb/session": "other"})
    client.delete_lease("s")
    assert list(api.leases) == ["s"]
    assert api.events == []


def test_what_we_may_not_delete_is_left_to_the_collector(api, client):
    """A 403 for one kind does not keep the others."""
    api.refused = {("DELETE", "secrets"): 403, ("DELETE", "services"): 405}
    client.delete_owned()
    assert [plural for _, plural in api.sent] == ["services", "endpointslices", "secrets", "configmaps"]
