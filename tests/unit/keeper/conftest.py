"""An API server that is a few dictionaries, as far as the keeper looks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.apiserver import JSON, Answer, Timeouts
from sparkk8s_nb.keeper.client import Client
from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.model.spec import ClusterAccess
from sparkk8s_nb.processes import ProcessId

SELECTOR = "sparkk8s-nb/session=s"
LABELS = {"sparkk8s-nb/session": "s"}


@dataclass
class SmallApi:
    """Leases by name, a count of pods, and what is refused."""

    leases: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: int = 0
    stubborn: int = 0
    statuses: list[int] = field(default_factory=list)
    refused: dict[tuple[str, str], int] = field(default_factory=dict)
    foreign_uid_status: int = 422
    down: bool = False
    sent: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def lease(self, name: str = "s", uid: str = "u", labels: Mapping[str, str] = LABELS) -> None:
        self.leases[name] = {"metadata": {"name": name, "uid": uid, "labels": dict(labels)}, "spec": {}}

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        timeouts: Timeouts | None = None,
    ) -> Answer:
        plural, _, name = path.partition("/namespaces/team/")[2].partition("/")
        self.sent.append((method, f"{plural}/{name}".rstrip("/")))
        self.bodies.append(body)
        if self.down:
            raise ConnectionRefusedError(111, "refused")
        if self.statuses:
            return Answer(status=self.statuses.pop(0), body=b"{}")
        if (method, plural) in self.refused:
            return Answer(status=self.refused[method, plural], body=b"{}")
        if plural == "leases":
            return self._lease(method, name, body)
        if plural == "events":
            self.events.append(body)
            return _answer(body)
        assert query == {"labelSelector": SELECTOR}
        if plural == "pods" and method == "DELETE":
            self.pods = min(self.pods, self.stubborn)
            if not body["gracePeriodSeconds"]:
                self.pods = 0
        return _answer({"items": [{}] * self.pods})

    def _lease(self, method: str, name: str, body: Any) -> Answer:
        lease = self.leases.get(name)
        if lease is None:
            return Answer(status=404, body=b"{}")
        uid = lease["metadata"]["uid"]
        asked = (body or {}).get("metadata", body or {}).get("uid") or (body or {}).get(
            "preconditions", {}
        ).get("uid", uid)
        if asked != uid:
            body = {"details": {"causes": [{"field": "metadata.uid"}]}}
            return Answer(status=self.foreign_uid_status, body=json.dumps(body).encode())
        if method == "PATCH":
            lease["spec"].update(body["spec"])
        if method == "DELETE":
            del self.leases[name]
        return _answer(lease)


def _answer(content: Any) -> Answer:
    return Answer(status=200, body=json.dumps(content).encode())


@pytest.fixture
def api() -> SmallApi:
    """What is in the cluster."""
    return SmallApi()


@pytest.fixture
def client(api: SmallApi) -> Client:
    """The keeper's client on it."""
    return Client(api, "team", SELECTOR, now=lambda: 60.0)


@pytest.fixture
def plan(tmp_path: Path) -> KeeperPlan:
    """A session's plan, its directory made."""
    (tmp_path / "run" / "api").mkdir(parents=True)
    (tmp_path / "run" / "keeper.log").write_text("log")
    return KeeperPlan(
        kernel=ProcessId(pid=2**22 + 1, started=1.0),
        access=ClusterAccess(server="https://127.0.0.1:1"),
        namespace="team",
        lease="s",
        selector=SELECTOR,
        runtime_dir=tmp_path / "run",
        log_file=tmp_path / "run" / "keeper.log",
        renew_seconds=30.0,
        patience=100.0,
    )
