"""Where executors find the driver: its address by route, and ports that no other kernel here has."""

from __future__ import annotations

import socket
import urllib.parse
from pathlib import Path

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.model.portrange import SLOTS
from sparkk8s_nb.model.sparkconf import DriverNetwork
from sparkk8s_nb.model.spec import ClusterTarget, SessionSpec, TargetKind
from sparkk8s_nb.session.parts import HeldNetwork
from sparkk8s_nb.session.port_slots import acquire_slot


class PortTaker:
    """Takes the next port slot at each call: one that failed is not tried again."""

    def __init__(self, spec: SessionSpec, directory: Path, address: str) -> None:
        self._spec = spec
        self._directory = directory
        self._address = address
        self._next = 0

    def __call__(self) -> HeldNetwork:
        slot = acquire_slot(self._directory, self._address, slots=range(self._next, SLOTS))
        self._next = slot.index + 1
        name = f"{self._spec.name}.{self._spec.target.namespace}.svc"
        network = DriverNetwork(
            address=self._address,
            driver_port=slot.driver_port,
            block_manager_port=slot.block_manager_port,
            ui_port=slot.ui_port,
            name=name if self._dns else "",
        )
        return HeldNetwork(network=network, release=slot.release)

    @property
    def _dns(self) -> bool:
        return self._spec.driver_address == "dns" and self._spec.target.kind is not TargetKind.EMBEDDED


def driver_address(target: ClusterTarget, server: str) -> str:
    """The IP of this machine or pod that executors can dial.

    On the embedded cluster loopback; elsewhere the address from which this process reaches the API server
    (a UDP socket's connect sends nothing, it only asks the routing table).
    """
    if target.kind is TargetKind.EMBEDDED:
        return "127.0.0.1"
    host = urllib.parse.urlsplit(server).hostname or ""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 443))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise ConnectError(
            f"This machine has no route to the API server {host}.",
            fix="Check the network, or choose another --context.",
        ) from error
