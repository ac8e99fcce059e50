"""What was checked before a start, and what came out: findings, and the room that quotas leave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check.

    Parameters
    ----------
    check : str
        What was looked at, in a few words.
    verdict : Grade
        ``FAILURE`` means that a start cannot work; ``WARNING`` that something will be missing.
    detail : str
        What was found, one sentence.
    fix : str
        What to do, one sentence; empty where all is well.
    who : str
        Who can do it: ``you`` or ``the administrator``; empty where all is well.
    """

    check: str
    verdict: Grade
    detail: str
    fix: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks.

    Examples
    --------
    >>> Report(findings=(Finding(check="server", verdict=Grade.OK, detail="v1.34.2"),)).verdict
    <Grade.OK: 'ok'>
    """

    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Grade:
        """The worst of all findings."""
        found = {finding.verdict for finding in self.findings}
        return next((grade for grade in (Grade.FAILURE, Grade.WARNING) if grade in found), Grade.OK)

    def of(self, grade: Grade) -> tuple[Finding, ...]:
        """The findings with that verdict."""
        return tuple(finding for finding in self.findings if finding.verdict is grade)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRoom:
    """What a namespace's quotas leave for executors; None where nothing limits it.

    Parameters
    ----------
    cpu_millis : int or None
        Thousandths of a core, of ``requests.cpu`` and ``limits.cpu`` the tighter one.
    memory : int or None
        Bytes, of ``requests.memory`` and ``limits.memory`` the tighter one.
    pods : int or None
    quotas : tuple of str
        Names of the quotas that count.
    """

    cpu_millis: int | None = None
    memory: int | None = None
    pods: int | None = None
    quotas: tuple[str, ...] = ()

    def fits(self, *, cpu_millis: int, memory: int) -> int | None:
        """How many executors of that size fit; None if nothing limits them.

        >>> QuotaRoom(cpu_millis=4000, memory=20 * 2**30).fits(cpu_millis=2000, memory=8 * 2**30)
        2
        """
        sizes = ((self.cpu_millis, cpu_millis), (self.memory, memory), (self.pods, 1))
        counts = [max(0, room) // size for room, size in sizes if room is not None and size > 0]
        return min(counts, default=None)
