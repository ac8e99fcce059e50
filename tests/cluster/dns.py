"""The cluster's DNS: headless services' names, from EndpointSlices to dnsmasq.

``python -m tests.cluster.dns KUBECONFIG HOSTS DNSMASQ_PID`` is the part that watches.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from urllib3 import exceptions as net

from sparkk8s_nb.localfiles import write_private
from tests.cluster.apiserver import Api
from tests.cluster.cleanup import Run
from tests.cluster.daemons import Daemon

DOMAIN = "svc.cluster.local"
ROOT = Path(__file__).parents[2]


def start_dns(run: Run, stack: ExitStack, api: Api, address: str) -> tuple[Daemon, Daemon]:
    """Start dnsmasq, and what tells it of services."""
    hosts = write_private(run.directory / "hosts", "")
    command = [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=root",
        "--pid-file=",
        f"--listen-address={address}",
        "--bind-interfaces",
        f"--addn-hosts={hosts}",
        "--local=/cluster.local/",
        f"--host-record=kubernetes.default.{DOMAIN},{api.place.address}",
        "--log-facility=-",
    ]
    server = Daemon(run, "dnsmasq", command, inside=api.place.inside)
    stack.callback(server.stop)
    watch = [sys.executable, "-m", "tests.cluster.dns", str(api.admin), str(hosts), str(server.process.pid)]
    # The client writes its credentials to files that it removes at its own exit only, and it is ended from outside.
    watcher = Daemon(run, "dns", ["env", f"PYTHONPATH={ROOT}", f"TMPDIR={run.directory}", *watch])
    stack.callback(watcher.stop)
    return server, watcher


def host_lines(slices: Iterable[Mapping[str, Any]]) -> list[str]:
    """Lines of a hosts file for the endpoints that are ready, by service and, where they have one, by hostname.

    >>> host_lines([{"metadata": {"namespace": "n", "labels": {"kubernetes.io/service-name": "s"}},
    ...              "endpoints": [{"addresses": ["10.0.0.7"], "conditions": {"ready": True}}]}])
    ['10.0.0.7 s.n.svc.cluster.local']
    """
    lines = set()
    for each in slices:
        service = (each["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
        namespace = each["metadata"]["namespace"]
        if not service or (namespace, service) == ("default", "kubernetes"):
            continue
        for endpoint in each.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            names = [service, *([f"{endpoint['hostname']}.{service}"] if endpoint.get("hostname") else [])]
            lines |= {
                f"{address} {name}.{namespace}.{DOMAIN}"
                for address in endpoint["addresses"]
                for name in names
            }
    return sorted(lines)


def follow(kubeconfig: str, hosts: Path, server: int) -> None:
    """Keep the hosts file as the cluster's EndpointSlices are, through outages of the API; never returns."""
    from kubernetes import client, config

    discovery = client.DiscoveryV1Api(config.new_client_from_config(kubeconfig))
    while True:
        try:
            _follow_once(discovery, hosts, server)
        except (net.HTTPError, client.ApiException):
            time.sleep(0.5)  # it is away, or the version is too old: what there is then is listed anew


def _follow_once(discovery: Any, hosts: Path, server: int) -> None:
    """One list, and one watch to its end."""
    from kubernetes import watch

    listed = discovery.list_endpoint_slice_for_all_namespaces(_preload_content=True)
    plain = discovery.api_client.sanitize_for_serialization
    slices = {each.metadata.uid: plain(each) for each in listed.items}
    events = watch.Watch().stream(
        discovery.list_endpoint_slice_for_all_namespaces,
        resource_version=listed.metadata.resource_version,
        timeout_seconds=300,
    )
    told = _tell(slices.values(), hosts, server, None)
    for event in events:
        raw = event["raw_object"]
        if event["type"] == "DELETED":
            slices.pop(raw["metadata"]["uid"], None)
        else:
            slices[raw["metadata"]["uid"]] = raw
        told = _tell(slices.values(), hosts, server, told)


def _tell(slices: Iterable[Mapping[str, Any]], hosts: Path, server: int, told: list[str] | None) -> list[str]:
    lines = host_lines(slices)
    if lines != told:
        write_private(hosts, "".join(f"{line}\n" for line in lines))
        os.kill(server, signal.SIGHUP)
    return lines


if __name__ == "__main__":
    follow(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
