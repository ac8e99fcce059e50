"""What the keeper is told: one plan to begin with, then one message a line. Values only."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sparkk8s_nb.model.spec import ClusterAccess
from sparkk8s_nb.processes import ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperPlan:
    """Everything the keeper needs to know.

    Parameters
    ----------
    kernel : ProcessId
        The process whose end is the session's end.
    access : ClusterAccess
        The API server. Where there is a token's file, only the file is passed on.
    namespace : str
    lease : str
        Name of the session's Lease.
    selector : str
        Label selector of everything that the session makes: ``key=value``, separated by commas.
    runtime_dir : Path
        The session's directory: the last thing the keeper removes.
    log_file : Path
        Where the keeper writes what it does; may lie in ``runtime_dir``.
    renew_seconds : float
        Between two renewals of the Lease at least; up to a fifth more each time.
    patience : float
        How many seconds the clean-up keeps trying while the API server does not answer. Short for the
        embedded cluster: its daemon dies with everything it ran.

    Examples
    --------
    >>> plan = KeeperPlan(kernel=ProcessId(pid=7, started=1.0), namespace="team", lease="spark-a-1",
    ...     access=ClusterAccess(server="https://127.0.0.1:6443"), selector="sparkk8s-nb/session=spark-a-1",
    ...     runtime_dir=Path("/r/s"), log_file=Path("/r/s/keeper.log"))
    >>> KeeperPlan.from_json(plan.as_json()) == plan
    True
    """

    kernel: ProcessId
    access: ClusterAccess
    namespace: str
    lease: str
    selector: str
    runtime_dir: Path
    log_file: Path
    renew_seconds: float = 30.0
    patience: float = 900.0

    def as_json(self) -> str:
        """One line; it may hold a token, so it goes through a pipe only."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _names(KeeperPlan)}
        plain["kernel"] = self.kernel.as_dict()
        plain["access"] = {name: getattr(self.access, name) for name in _names(ClusterAccess)}
        if self.access.token_file is not None:
            plain["access"]["token"] = ""
        return json.dumps(plain, default=str)

    @classmethod
    def from_json(cls, text: str | bytes) -> KeeperPlan:
        """Read what :meth:`as_json` wrote."""
        plain = json.loads(text)
        access: dict[str, Any] = {
            name: Path(value) if name.endswith("_file") and value is not None else value
            for name, value in plain["access"].items()
        }
        known = {
            "kernel": ProcessId.from_dict(plain["kernel"]),
            "access": ClusterAccess(**access),
            "runtime_dir": Path(plain["runtime_dir"]),
            "log_file": Path(plain["log_file"]),
        }
        return cls(**(plain | known))


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]
