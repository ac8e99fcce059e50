"""Which Leases nobody renews, as far as somebody has watched them. Pure.

What a Lease says of its own age proves nothing: an API server that was away, a closed lid or a clock that is wrong
make every Lease look old. That it does not change under somebody's eyes, while the API server answers, does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewals:
    """A fold of looks at some Leases.

    Parameters
    ----------
    seconds : float
        A Lease that did not change for that long, all of it watched, is nobody's.
    gap : float
        After more seconds than that between two looks nobody has watched, and all begins anew.
    unchanged : Mapping
        Of each Lease that is still in question its resource version, and since when it is that one, by uid.
    looked : float or None
        When the last look was, in the seconds of a clock that is never set.

    Examples
    --------
    >>> watch = Renewals(seconds=60.0, gap=45.0)
    >>> for at in (0.0, 30.0, 60.0):
    ...     watch = watch.look({"dead": "7", "alive": str(at)}, at)
    >>> sorted(watch.silent), watch.undecided
    (['dead'], False)
    """

    seconds: float
    gap: float
    unchanged: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    looked: float | None = None

    def look(self, versions: Mapping[str, str], at: float) -> Renewals:
        """After a look: the resource version of every Lease that is there, by uid.

        The first look says which Leases are in question; one that changes or goes is so no more.
        """
        if self.looked is None:
            return replace(
                self, unchanged={uid: (version, at) for uid, version in versions.items()}, looked=at
            )
        missed = at - self.looked > self.gap
        still = {
            uid: (version, at if missed else since)
            for uid, (version, since) in self.unchanged.items()
            if versions.get(uid) == version
        }
        return replace(self, unchanged=still, looked=at)

    @property
    def silent(self) -> frozenset[str]:
        """Uids of those that nobody renews."""
        return frozenset(
            uid
            for uid, (_, since) in self.unchanged.items()
            if self.looked is not None and self.looked - since >= self.seconds
        )

    @property
    def undecided(self) -> bool:
        """Whether watching on may still tell something."""
        return self.looked is None or bool(self.waiting)

    @property
    def waiting(self) -> int:
        """How many Leases have neither been renewed nor been watched for long enough."""
        return len(self.unchanged) - len(self.silent)

    @property
    def left(self) -> float:
        """Seconds that are still to be watched, if none of them is renewed."""
        if self.looked is None:
            return self.seconds
        since = max((since for _, since in self.unchanged.values()), default=self.looked - self.seconds)
        return max(0.0, since + self.seconds - self.looked)
