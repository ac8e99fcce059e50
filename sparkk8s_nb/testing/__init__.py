"""Fakes for tests of everything that needs a cluster or a driver: in memory, no process, no thread, no sleep.

Public: projects built on this one may use them too. They implement the Protocols of
:mod:`sparkk8s_nb.ports` and behave as the real ones do where a session depends on it: conflicts, owner
references, uid preconditions, refusals.

Examples
--------
>>> cluster = FakeCluster()
>>> lease = cluster.create({"kind": "Lease", "metadata": {"name": "s"}})
>>> owner = {"apiVersion": lease["apiVersion"], "kind": "Lease", "name": "s", "uid": lease["metadata"]["uid"]}
>>> pod = cluster.create({"kind": "Pod", "metadata": {"name": "p", "ownerReferences": [owner]}})
>>> cluster.delete("Lease", "s"), cluster.read("Pod", "p")
(True, None)
"""

from __future__ import annotations

from sparkk8s_nb.testing.clock import FakeClock
from sparkk8s_nb.testing.cluster import Call, FakeCluster
from sparkk8s_nb.testing.driver import FakeDriver, FakeLaunchingDriver
from sparkk8s_nb.testing.keeper import FakeKeeper
from sparkk8s_nb.testing.pods import ScriptedPods

__all__ = [
    "Call",
    "FakeClock",
    "FakeCluster",
    "FakeDriver",
    "FakeKeeper",
    "FakeLaunchingDriver",
    "ScriptedPods",
]
