"""How fast tasks end: a mean in which the last seconds count most."""

from __future__ import annotations

import math
from dataclasses import dataclass

_MEMORY = 5.0
_MEMORY_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Tasks and seconds, both faded with age: their quotient is the recent rate.

    Work that has run for long is remembered for longer, so that tasks of minutes have a rate too.

    Parameters
    ----------
    at : float
        When it was last brought up to date, seconds since the epoch; 0.0 before the first time.
    done : int
        Tasks that had ended then.
    tasks, seconds : float
        Faded sums.

    Examples
    --------
    >>> Pace().seen(at=10.0, since=8.0, done=20).rate
    10.0
    """

    at: float = 0.0
    done: int = 0
    tasks: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Tasks a second; 0.0 while nothing is known."""
        return self.tasks / self.seconds if self.seconds else 0.0

    def seen(self, *, at: float, since: float, done: int, age: float = 0.0) -> Pace:
        """The pace after a look.

        Parameters
        ----------
        at : float
            Seconds since the epoch.
        since : float
            When the work began that ended since the last look, if that was later: idle time does not count.
        done : int
            Tasks that have ended by now.
        age : float
            Seconds since all the work began.
        """
        passed = at - max(self.at, since)
        if passed <= 0:
            return self
        fade = math.exp(-passed / max(_MEMORY, _MEMORY_SHARE * age))
        # A stage that is repeated takes its tasks back: that is no negative pace.
        return Pace(
            at=at,
            done=done,
            tasks=self.tasks * fade + max(0, done - self.done),
            seconds=self.seconds * fade + passed,
        )


def format_rate(rate: float) -> str:
    """Return tasks a second for people.

    >>> format_rate(1234.5), format_rate(3.46), format_rate(0.2), format_rate(0.001)
    ('1234/s', '3.5/s', '12/min', '3.6/h')
    """
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        count = rate * seconds
        if count >= 0.995 or unit == "h":
            break
    return f"{count:.0f}/{unit}" if count >= 9.95 else f"{count:.1f}/{unit}".replace(".0/", "/")
