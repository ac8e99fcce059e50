"""Many sessions on one API server that restarts: none is lost, and they do not come back all at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.apiserver import Api
from tests.cluster.real_cluster import Namespace, session_rules
from tests.embedded.kernels import KINDS
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(1200)

SESSIONS = int(os.environ.get("SPARKK8S_TEST_SESSIONS", "60"))
"""A hub has hundreds, which take minutes to come up here."""

PROCESSES = 5
REQUESTS = 3
"""A session may send so many in the first seconds: a watch that begins with a list, and perhaps a renewal. A server
that has just come up refuses some of them, and they are sent again."""

SECONDS = 10.0
LIVE_SECONDS = 120.0
ENDING_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A process with some of the sessions."""

    process: subprocess.Popen[str]

    def read(self) -> str:
        """The next line that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the sessions' process has ended"
        return line

    def how(self) -> Counter[str]:
        """How its sessions are."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Counter(json.loads(self.read()))

    def stop(self) -> list[str]:
        """Stop its sessions; what of them was not undone."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        left: list[str] = json.loads(self.read())
        self.process.wait(ENDING_SECONDS)  # its files go last
        return left


@contextmanager
def groups(kubeconfig: Path, namespace: Namespace) -> Iterator[list[Group]]:
    """All sessions, open."""
    each = SESSIONS // PROCESSES
    with ExitStack() as stack:
        made = []
        for number in range(PROCESSES):
            arguments = [str(kubeconfig), namespace.name, str(number * each), str(each)]
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.cluster.scripted_sessions", *arguments],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            made.append(Group(process=process))
        for group in made:
            assert group.read() == "open\n"
        yield made


def requests_of(api: Api, user: str, since: float) -> list[tuple[float, str]]:
    """Moment and kind of the user's requests, in the order in which they came."""
    events = [json.loads(line) for line in api.audit.read_text().splitlines()]
    found = [
        (
            datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
            f"{event['verb']} {(event.get('objectRef') or {}).get('resource', '')}",
        )
        for event in events
        if event["user"]["username"] == user
    ]
    return sorted(each for each in found if each[0] >= since)


def leases(namespace: Namespace) -> dict[str, str]:
    """The uids of the sessions' Leases."""
    found: list[dict[str, Any]] = list(namespace.administrator.list("Lease"))
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}


def test_an_api_server_that_restarts_is_not_stormed_and_no_session_is_lost(
    our_api_tier: Api, namespace: Namespace
) -> None:
    """Each lists and watches again in one request; all are live again, with the Leases that they had."""
    kubeconfig = namespace.user("analyst", session_rules())
    user = f"system:serviceaccount:{namespace.name}:analyst"
    with groups(kubeconfig, namespace) as made:
        before = leases(namespace)
        assert len(before) == SESSIONS
        killed = time.time()
        with our_api_tier.away():
            pass
        assert eventually(lambda: bool(requests_of(our_api_tier, user, killed)), LIVE_SECONDS)
        first = requests_of(our_api_tier, user, killed)[0][0]
        time.sleep(max(0.0, first + SECONDS - time.time()))
        soon = [what for at, what in requests_of(our_api_tier, user, killed) if at < first + SECONDS]
        print(f"{SESSIONS} sessions, {len(soon)} requests in {SECONDS:.0f} s: {dict(Counter(soon))}")
        assert len(soon) <= REQUESTS * SESSIONS, Counter(soon)
        well = Counter(sessions=SESSIONS, running=SESSIONS, live=SESSIONS)
        assert eventually(lambda: sum((group.how() for group in made), Counter()) == well, LIVE_SECONDS)
        print(f"all were live again {time.time() - first:.1f} s after the first request")
        watches = [what for _, what in requests_of(our_api_tier, user, killed) if what == "watch pods"]
        assert len(watches) >= SESSIONS
        assert leases(namespace) == before
        assert [left for group in made for left in group.stop()] == []
    managed = "app.kubernetes.io/managed-by=sparkk8s-nb"
    assert [kind for kind in KINDS if namespace.administrator.list(kind, selector=managed)] == []
