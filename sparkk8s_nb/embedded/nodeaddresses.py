"""An address of its own for each pod: on Linux all of 127.0.0.0/8 is this machine. Pure."""

from __future__ import annotations


class Addresses:
    """Gives addresses out and takes them back.

    Parameters
    ----------
    shared : bool
        True where only 127.0.0.1 exists (macOS): every pod has it, with free ports.
    start : int
        Where in the range to begin, so that clusters of two users rarely meet.

    Examples
    --------
    >>> Addresses(shared=False, start=0).take(), Addresses(shared=True, start=0).take()
    ('127.16.0.1', '127.0.0.1')
    """

    _COUNT = 200 * 250 * 250

    def __init__(self, *, shared: bool, start: int) -> None:
        self._shared = shared
        self._next = start % self._COUNT
        self._taken: set[str] = set()

    def take(self) -> str:
        """An address that no running pod has."""
        if self._shared:
            return "127.0.0.1"
        while True:
            rest, low = divmod(self._next, 250)
            high, middle = divmod(rest, 250)
            self._next = (self._next + 1) % self._COUNT
            address = f"127.{16 + high}.{middle}.{low + 1}"
            if address not in self._taken:
                self._taken.add(address)
                return address

    def give_back(self, address: str) -> None:
        """The pod is gone."""
        self._taken.discard(address)
