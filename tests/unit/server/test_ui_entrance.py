"""Tickets and visitors."""

from __future__ import annotations

import pytest

from sparkk8s_nb.server.ui_entrance import TICKET_SECONDS, VISITORS, Entrance
from sparkk8s_nb.testing import FakeClock


@pytest.fixture
def clock():
    """Stands still."""
    return FakeClock()


@pytest.fixture
def entrance(clock):
    """Nobody is in yet."""
    return Entrance(now=clock)


def test_a_ticket_lets_in_once(entrance):
    """The second click on the same link is refused; the first visitor stays in."""
    ticket = entrance.ticket()
    cookie = entrance.admit(ticket)
    assert entrance.knows(cookie)
    assert entrance.admit(ticket) is None
    assert entrance.knows(cookie)


def test_a_ticket_is_no_cookie_and_a_cookie_no_ticket(entrance):
    """What stood in a URL is worth nothing afterwards."""
    ticket = entrance.ticket()
    cookie = entrance.admit(ticket)
    assert not entrance.knows(ticket)
    assert entrance.admit(cookie) is None


def test_a_ticket_grows_old(entrance, clock):
    """A link that was not clicked in time is of no use to whoever finds it in a saved notebook."""
    ticket = entrance.ticket()
    clock.sleep(TICKET_SECONDS)
    assert entrance.admit(ticket) is None


@pytest.mark.parametrize("cookie", [None, "", "guessed"])
def test_nobody_is_known_without_a_cookie(entrance, cookie):
    """Not even before the first visitor."""
    assert not entrance.knows(cookie)
    assert entrance.admit(cookie or "") is None


def test_visitors_are_bounded(entrance):
    """The oldest goes."""
    cookies = [entrance.admit(entrance.ticket()) for _ in range(VISITORS + 1)]
    assert [entrance.knows(cookie) for cookie in cookies] == [False] + [True] * VISITORS
