"""Moments: the API's timestamps (RFC 3339), and the time of day as a view says it."""

from __future__ import annotations

import datetime


def epoch(timestamp: object) -> float:
    """Seconds since the epoch; 0 where there is no timestamp.

    >>> epoch("1970-01-01T00:01:00Z"), epoch("1970-01-01T01:01:00.5+01:00"), epoch(None)
    (60.0, 60.5, 0.0)
    """
    return datetime.datetime.fromisoformat(str(timestamp)).timestamp() if timestamp else 0.0


def time_of_day(moment: float) -> str:
    """A moment of today in words: views are read where nobody knows the reader's time zone.

    >>> time_of_day(3723.5)
    '01:02:03 UTC'
    """
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%H:%M:%S UTC")
