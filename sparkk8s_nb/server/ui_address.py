"""How the UI's local proxy is told what to serve, and how it is found again: values and one private file."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sparkk8s_nb.localfiles import write_private
from sparkk8s_nb.processes import ProcessId

ADDRESS_FILE = "ui-proxy.json"
LOG_FILE = "ui-proxy.log"
LOCK_FILE = "ui-proxy.lock"

TICKET_PATH = "/ticket"
"""Where the holder of the secret gets one more ticket: ``POST``, ``Authorization: Bearer SECRET``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UiProxyPlan:
    """What the proxy is told, through its stdin.

    Parameters
    ----------
    record : Path
        The session's record; its directory is where the proxy leaves its address.
    kernel : ProcessId
        The process whose end is the proxy's end.

    Examples
    --------
    >>> plan = UiProxyPlan(record=Path("/r/s/record.json"), kernel=ProcessId(pid=7, started=1.5))
    >>> UiProxyPlan.from_json(plan.as_json()) == plan
    True
    """

    record: Path
    kernel: ProcessId

    def as_json(self) -> str:
        """One line."""
        return json.dumps({"record": str(self.record), "kernel": self.kernel.as_dict()})

    @classmethod
    def from_json(cls, text: str) -> UiProxyPlan:
        """Read what :meth:`as_json` wrote."""
        plain = json.loads(text)
        return cls(record=Path(plain["record"]), kernel=ProcessId.from_dict(plain["kernel"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class UiProxyAddress:
    """Where a proxy listens and how to ask it for tickets; its repr does not say the secret.

    Parameters
    ----------
    process : ProcessId
    port : int
        On 127.0.0.1.
    secret : str
    """

    process: ProcessId
    port: int
    secret: str = field(repr=False)

    def write(self, directory: Path) -> None:
        """Leave the address in the session's directory, for this user only."""
        write_private(directory / ADDRESS_FILE, json.dumps(asdict(self)))


def read_address(directory: Path) -> UiProxyAddress | None:
    """The address that a proxy left in a session's directory; None if there is none that can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        plain = json.loads((directory / ADDRESS_FILE).read_text(encoding="utf-8"))
        return UiProxyAddress(
            process=ProcessId.from_dict(plain["process"]),
            port=int(plain["port"]),
            secret=str(plain["secret"]),
        )
    return None
