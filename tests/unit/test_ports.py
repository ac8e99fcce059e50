"""What sessions need, the fakes and the real parts alike have: every method, by name and parameters."""

from __future__ import annotations

import inspect

import pytest

from sparkk8s_nb import ports, testing
from sparkk8s_nb.keeper.launch import KeeperHandle
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.pods import KubePodSource
from sparkk8s_nb.spark.driver import SparkDriver
from sparkk8s_nb.spark.launching import LaunchingSparkDriver
from sparkk8s_nb.telemetry.worker import StopFlag

PAIRS = [
    (ports.Cluster, testing.FakeCluster),
    (ports.Cluster, KubeCluster),
    (ports.PodSource, testing.ScriptedPods),
    (ports.PodSource, KubePodSource),
    (ports.Driver, testing.FakeDriver),
    (ports.Driver, SparkDriver),
    (ports.LaunchingDriver, testing.FakeLaunchingDriver),
    (ports.LaunchingDriver, LaunchingSparkDriver),
    (ports.Keeper, testing.FakeKeeper),
    (ports.Keeper, KeeperHandle),
    (ports.Stop, StopFlag),
]


def methods(protocol):
    found = {}
    for kind in reversed(protocol.__mro__):
        found |= {name: item for name, item in vars(kind).items() if inspect.isfunction(item)}
    return {name: item for name, item in found.items() if not name.startswith("_")}


@pytest.mark.parametrize(("protocol", "kind"), PAIRS, ids=lambda item: item.__name__)
def test_every_method_takes_what_the_protocol_says(protocol, kind):
    """A fake that takes less would let a wrong call pass; one that takes more must not need it."""
    for name, wanted in methods(protocol).items():
        found = getattr(kind, name)
        have = inspect.signature(found).parameters
        need = inspect.signature(wanted).parameters
        assert need.keys() <= have.keys(), (kind, name)
        extra = [have[key] for key in have.keys() - need.keys()]
        assert all(
            item.default is not item.empty or item.kind in {item.VAR_KEYWORD, item.VAR_POSITIONAL}
            for item in extra
        ), (kind, name)
