"""What of the machine may be used."""

from __future__ import annotations

from sparkk8s_nb.embedded import node
from sparkk8s_nb.embedded.node import Capacity


def test_settings_only_take_away() -> None:
    """Unless overcommit of cores is asked for; memory never."""
    has = Capacity(cpus=4, memory=100)
    assert node.usable(has, (None, None), 8, 200) == has
    assert node.usable(has, (2.0, 80), None, 90) == Capacity(cpus=2.0, memory=80)
    assert node.usable(has, (2.0, 80), 16, 200, overcommit=True) == Capacity(cpus=16, memory=80)


def test_allocatable_is_in_quantities() -> None:
    """Cores in thousandths, memory in whole KiB."""
    assert node.allocatable(Capacity(cpus=2.5, memory=3 * 1024**3 + 5)) == {
        "cpu": "2500m",
        "memory": "3Gi",
        "pods": "500",
    }
