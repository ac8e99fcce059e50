"""Credentials from a program that the kubeconfig names."""

from __future__ import annotations

import itertools
import json
import logging
import sys
import threading
from pathlib import Path

import pytest

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.kube.kubeconfig import Chosen, Entry
from sparkk8s_nb.kube.plugins import (
    RETRY_SECONDS,
    SHORTEST,
    Credential,
    RenewedToken,
    TokenRenewal,
    fetch_credential,
)
from sparkk8s_nb.testing import FakeClock

VERSION = "client.authentication.k8s.io/v1"


def chosen(code: str, **spec) -> Chosen:
    """A context whose user is a small program."""
    user = {"exec": {"apiVersion": VERSION, "command": sys.executable, "args": ["-c", code], **spec}}
    file = Path("/tmp/config")
    return Chosen(
        name="lab",
        namespace="",
        cluster=Entry(content={"server": "https://127.0.0.1:1"}, file=file),
        user=Entry(content=user, file=file),
    )


def says(**status) -> str:
    answer = {"apiVersion": VERSION, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(json.dumps(answer))})"


def test_a_plugin_gives_a_token_and_its_end():
    """As cloud providers' programs do."""
    found = fetch_credential(chosen(says(token="t", expirationTimestamp="1970-01-01T00:01:00Z")))
    assert (found.token, found.expires) == ("t", 60.0)
    assert "'t'" not in repr(found)


def test_a_plugin_can_give_a_certificate():
    """With its key."""
    found = fetch_credential(chosen(says(clientCertificateData="C", clientKeyData="K")))
    assert (found.certificate, found.key, found.token) == ("C", "K", "")


def test_a_plugin_that_fails_is_quoted():
    """Its own words say how to log in."""
    with pytest.raises(ConnectError, match="please run login first"):
        fetch_credential(chosen("import sys; sys.exit('please run login first')"))


def test_a_plugin_that_is_not_installed_gives_its_hint():
    """From the kubeconfig."""
    with pytest.raises(ConnectError) as caught:
        fetch_credential(chosen("", command="/nonexistent/plugin", installHint="Get it\nfrom there."))
    assert caught.value.fix == "Get it from there."


def test_a_plugin_that_hangs_is_given_up():
    """It ends when its input does; nobody waits for it."""
    with pytest.raises(ConnectError, match="gave no answer"):
        fetch_credential(chosen("import time; time.sleep(0.3)"), seconds=0.0)


def test_a_token_is_renewed_before_it_ends(tmp_path):
    """And its file with it."""
    clock = FakeClock(0.0)
    file = tmp_path / "token"
    token = RenewedToken(
        lambda: Credential(token="two", expires=1000.0),
        file,
        Credential(token="one", expires=100.0),
        now=clock,
    )
    assert (token(), file.read_text()) == ("one", "one")
    clock.sleep(50)
    assert (token(), file.read_text()) == ("two", "two")
    assert token() == "two"


def test_a_plugin_that_fails_for_a_moment_costs_nothing_while_the_token_is_good(tmp_path, caplog):
    """The old one is sent until its end; then the plugin's error is the answer."""
    clock = FakeClock(0.0)

    def fetch():
        raise ConnectError("The network is away.", fix="Wait.")

    token = RenewedToken(fetch, tmp_path / "token", Credential(token="one", expires=100.0), now=clock)
    clock.sleep(50)
    caplog.set_level(logging.INFO)
    assert token() == "one"
    assert "The network is away." in caplog.text
    clock.sleep(50)
    with pytest.raises(ConnectError, match="network is away"):
        token()


def test_a_plugin_that_fails_is_left_alone_for_a_while(tmp_path, caplog):
    """Requests send the old token meanwhile, or have the same answer once it has ended; the log tells once."""
    clock, asked = FakeClock(0.0), []

    def fetch():
        asked.append(clock())
        raise ConnectError("The network is away.", fix="Wait.")

    caplog.set_level(logging.INFO)
    token = RenewedToken(fetch, tmp_path / "token", Credential(token="one", expires=100.0), now=clock)
    clock.sleep(50)
    assert [token(), token()] == ["one", "one"]
    clock.sleep(29)
    assert (token(), asked) == ("one", [50.0])
    clock.sleep(1)
    assert (token(), asked) == ("one", [50.0, 80.0])
    clock.sleep(25)
    for _ in range(2):
        with pytest.raises(ConnectError, match="network is away"):
            token()
    assert asked == [50.0, 80.0]
    assert len(caplog.records) == 1


def test_a_token_that_lives_shorter_than_it_is_renewed_early_is_not_fetched_for_each_request(tmp_path):
    """Seconds pass between two questions."""
    clock, asked = FakeClock(0.0), []

    def fetch():
        asked.append(clock())
        return Credential(token="short", expires=clock() + 20.0)

    token = RenewedToken(fetch, tmp_path / "token", Credential(token="one", expires=20.0), now=clock)
    assert {token() for _ in range(5)} == {"short"}
    assert asked == [0.0]


def test_a_request_does_not_wait_for_a_plugin_while_the_token_is_good(tmp_path):
    """A plugin may take a minute; one thread asks it."""
    meanwhile = []

    def fetch():
        request = threading.Thread(target=lambda: meanwhile.append(token()), daemon=True)
        request.start()
        request.join()
        return Credential(token="two", expires=1000.0)

    token = RenewedToken(fetch, tmp_path / "token", Credential(token="one", expires=50.0), now=FakeClock(0.0))
    assert (token(), meanwhile) == ("two", ["one"])


class Ends(FakeClock):
    """Time, and a stop that comes after some waits."""

    def __init__(self, waits: int) -> None:
        super().__init__(0.0)
        self.left = waits
        self.naps: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.naps.append(seconds)
        self.sleep(seconds)
        self.left -= 1
        return self.left < 0


def test_a_token_is_renewed_in_time_though_nobody_sends_a_request(tmp_path):
    """Spark's client and the keeper read its file."""
    clock = Ends(waits=3)
    file = tmp_path / "token"
    lives = iter([900.0, 1000.0, None])
    token = RenewedToken(
        lambda: Credential(token=f"at {clock():.0f}", expires=next(lives)),
        file,
        Credential(token="first", expires=100.0),
        now=clock,
    )
    TokenRenewal(token).run(clock)
    assert clock.naps == [40.0, 800.0, 100.0]
    assert file.read_text() == "at 940"


def test_a_plugin_that_fails_is_asked_again_and_a_stop_ends_every_wait(tmp_path):
    """Half a minute lies between."""
    asked = []
    clock = Ends(waits=5)

    def fetch():
        asked.append(clock())
        raise ConnectError("no", fix="no")

    token = RenewedToken(fetch, tmp_path / "token", Credential(token="one", expires=61.0), now=clock)
    TokenRenewal(token).run(clock)
    assert len(asked) > 1
    assert min(b - a for a, b in itertools.pairwise(asked)) >= RETRY_SECONDS
    never = TokenRenewal(RenewedToken(fetch, tmp_path / "token", Credential(token="one"), now=clock))
    never.start()
    never.stop()


def test_a_token_that_is_refused_is_fetched_again_though_it_says_no_end(tmp_path):
    """As kubectl does after a 401; not for each request of those that were under way."""
    clock = FakeClock(1000.0)
    given = iter(["second", "second", "third"])
    token = RenewedToken(
        lambda: Credential(token=next(given)), tmp_path / "token", Credential(token="first"), now=clock
    )
    assert token.refused("first")
    assert (token(), (tmp_path / "token").read_text()) == ("second", "second")
    assert token.refused("first")  # another request has had it fetched
    assert not token.refused("second")  # just now: it is left alone for a while
    clock.sleep(SHORTEST)
    assert not token.refused("second")  # the plugin has no other
    clock.sleep(SHORTEST)
    assert token.refused("second")
    assert token() == "third"
