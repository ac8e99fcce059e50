"""Who may enter: a ticket opens the door once and soon, and who came in is known by a cookie. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Callable

TICKET_SECONDS = 300.0
"""How long a link may wait for its click."""

VISITORS = 50
"""Browsers known at a time; one more, and the oldest needs a fresh link."""


class Entrance:
    """The tickets that are out, and the visitors that are in. In memory only.

    Parameters
    ----------
    now : callable
        Seconds on a clock that is never set.
    new : callable
        Makes tickets and cookies: unguessable, and fit for a URL.

    Examples
    --------
    >>> entrance = Entrance(now=lambda: 0.0)
    >>> ticket = entrance.ticket()
    >>> cookie = entrance.admit(ticket)
    >>> entrance.knows(cookie), entrance.admit(ticket)
    (True, None)
    """

    def __init__(
        self, *, now: Callable[[], float], new: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    ) -> None:
        self._now = now
        self._new = new
        self._tickets: dict[str, float] = {}
        self._visitors: dict[str, None] = {}

    def ticket(self) -> str:
        """A new ticket, good once within :data:`TICKET_SECONDS`."""
        self._forget_old_tickets()
        ticket = self._new()
        self._tickets[ticket] = self._now() + TICKET_SECONDS
        return ticket

    def admit(self, ticket: str) -> str | None:
        """Take a ticket and give the visitor's cookie for it; None if it was used, too old or never given."""
        self._forget_old_tickets()
        if self._tickets.pop(ticket, None) is None:
            return None
        while len(self._visitors) >= VISITORS:
            del self._visitors[next(iter(self._visitors))]
        cookie = self._new()
        self._visitors[cookie] = None
        return cookie

    def knows(self, cookie: str | None) -> bool:
        """Whether this cookie was given to somebody who is still in."""
        return cookie is not None and cookie in self._visitors

    def _forget_old_tickets(self) -> None:
        now = self._now()
        self._tickets = {ticket: end for ticket, end in self._tickets.items() if now < end}
