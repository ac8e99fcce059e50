"""The daemon: composes store, API, scheduler, kubelet and collector into one process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
import ssl
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from sparkk8s_nb import localfiles, processes
from sparkk8s_nb.embedded import (
    certificates,
    discovery,
    events,
    isolated,
    kubeconfig,
    memory,
    node,
    quota,
    resources,
)
from sparkk8s_nb.embedded.api import application
from sparkk8s_nb.embedded.collector import Collector
from sparkk8s_nb.embedded.events import Recorder
from sparkk8s_nb.embedded.homefiles import FILES
from sparkk8s_nb.embedded.kubelet import Kubelet, lookups
from sparkk8s_nb.embedded.launcher import Launcher
from sparkk8s_nb.embedded.lifecycle import CONTEXT, NAMESPACE, NodeSettings
from sparkk8s_nb.embedded.limitranges import LimitRanges
from sparkk8s_nb.embedded.nodeaddresses import Addresses
from sparkk8s_nb.embedded.podcontext import NodeContext
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.scheduler import Scheduler
from sparkk8s_nb.embedded.status import StatusError
from sparkk8s_nb.embedded.store import Store
from sparkk8s_nb.embedded.web import Site
from sparkk8s_nb.version import __version__

log = logging.getLogger(__name__)

#: what pods get to end by themselves when the cluster goes down
STOP_GRACE = 3.0
_BODY_BYTES = 8 * 1024 * 1024


def clock() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Daemon:
    """One life of the cluster.

    Parameters
    ----------
    directory : Path
        Where its files go (0700).
    pods : Path
        Where its pods' directories go.
    settings : NodeSettings
        What of the machine it may use.
    """

    def __init__(self, directory: Path, pods: Path, settings: NodeSettings) -> None:
        self.directory = directory
        self.pods = pods
        self.settings = settings
        self.token = secrets.token_urlsafe(32)
        self.stopping = asyncio.Event()
        self.failed = False
        self._idle_since: float | None = time.monotonic()
        self._has = node.machine()
        self._may_use = node.usable(
            self._has, node.cgroup_limits(), settings.cpus, settings.memory, overcommit=settings.overcommit
        )
        self._started = time.time()
        self.store = Store(clock=clock, first_version=int(time.time() * 1000))
        self._quota = quota.Quota(self.store)
        self.registry = Registry(
            self.store, clock=clock, admission=(LimitRanges(self.store).admit, self._quota.admit)
        )
        self._launcher = Launcher()
        self._limits = memory.MemoryWatch()
        self._name = node.node_name()
        self._watched: list[asyncio.Task[None]] = []

    async def run(self, ready: int | None) -> None:
        """Live until told to stop or idle; ``ready`` is a pipe that hears when the API answers."""
        self._launcher.start()
        localfiles.private_dir(self.pods)
        isolation = None
        if self.settings.isolate:
            isolation = await isolated.probe(self._launcher, self.pods)
        context = NodeContext(
            registry=self.registry,
            recorder=Recorder(self.store, "kubelet", clock),
            launcher=self._launcher,
            limits=self._limits,
            lookup=lookups(self.store),
            clock=clock,
            node=self._name,
            host_ip="127.0.0.1",
            allocatable=node.allocatable(self._may_use),
            path=os.environ.get("PATH") or os.defpath,
            isolation=isolation,
        )
        self._furnish()
        addresses = Addresses(shared=sys.platform != "linux", start=secrets.randbelow(200) * 62500)
        kubelet = Kubelet(context, addresses, self.pods)
        scheduler = Scheduler(
            store=self.store,
            recorder=Recorder(self.store, "default-scheduler", clock),
            clock=clock,
            node=self._name,
        )
        collector = Collector(registry=self.registry)
        self._watch_over(
            scheduler.run(),
            collector.run(),
            self._limits.run(),
            self._quota.run(),
            self._housekeeping(kubelet),
        )
        server = self._serve(kubelet)
        if ready is not None:
            os.write(ready, b"ready\n")
            os.close(ready)
        log.info("ready")
        await self.stopping.wait()
        log.info("stopping")
        localfiles.remove_quietly(self.directory / "kubeconfig")
        await kubelet.close(STOP_GRACE)
        for task in self._watched:
            task.cancel()
        await asyncio.wait(self._watched, timeout=5)
        server.stop()
        await server.close_all_connections()
        self._launcher.stop()

    def _watch_over(self, *parts: Any) -> None:
        """Run the parts; one that dies takes the daemon with it, rather than leaving half a cluster."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and task.exception() is not None:
                log.critical("a part of the cluster has failed", exc_info=task.exception())
                self.failed = True
                self.stopping.set()

        for part in parts:
            task = asyncio.ensure_future(part)
            task.add_done_callback(ended)
            self._watched.append(task)

    def _furnish(self) -> None:
        """What every cluster has from the beginning: namespaces, their service accounts, the node."""
        version = discovery.version()["gitVersion"]
        for name in ("default", "kube-system"):
            self.registry.create(resources.NAMESPACES, "", {"metadata": {"name": name}})
        self.store.create(
            resources.NODES,
            node.node_object(self._name, self._has, self._may_use, version=version, now=clock()),
        )

    def _serve(self, kubelet: Kubelet) -> HTTPServer:
        """Open the API on a free port of 127.0.0.1 and write how it is reached."""
        made = certificates.make(clock())
        site = Site(
            store=self.store,
            registry=self.registry,
            token=self.token,
            logs=kubelet,
            describe=lambda: self._describe(kubelet),
            touch=self._touch,
        )
        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(
            application(site, self.stopping),
            ssl_options=self._tls(made),
            max_body_size=_BODY_BYTES,
            idle_connection_timeout=3600,
        )
        server.add_sockets(sockets)
        address = f"https://127.0.0.1:{sockets[0].getsockname()[1]}"
        text = kubeconfig.text(
            server=address, authority=made.authority, token=self.token, context=CONTEXT, namespace=NAMESPACE
        )
        localfiles.write_private(self.directory / "ca.crt", made.authority)
        localfiles.write_private(self.directory / "token", self.token)
        localfiles.write_private(self.directory / "kubeconfig", text)
        identity = {
            **processes.identify().as_dict(),
            "server": address,
            "settings": asdict(self.settings),
            "version": __version__,
        }
        localfiles.write_private(self.directory / "daemon.json", json.dumps(identity))
        return server

    def _tls(self, made: certificates.Certificates) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = localfiles.write_private(self.directory / ".server.pem", made.certificate + made.key)
        try:
            context.load_cert_chain(chain)
        finally:
            localfiles.remove_quietly(chain)
        return context

    def _touch(self) -> None:
        """Somebody is about to use the cluster: begin to count anew."""
        if self._idle_since is not None:
            self._idle_since = time.monotonic()

    def _describe(self, kubelet: Kubelet) -> dict[str, Any]:
        if self.stopping.is_set():
            raise StatusError(503, "ServiceUnavailable", "the embedded cluster is going down")
        idle = self._idle_since
        return {
            "started": self._started,
            "node": self._name,
            "capacity_cpus": self._has.cpus,
            "capacity_memory": self._has.memory,
            "allocatable_cpus": self._may_use.cpus,
            "allocatable_memory": self._may_use.memory,
            "pods": self.store.count(resources.PODS),
            "running_pods": kubelet.running(),
            "sessions": self.store.count(resources.LEASES),
            "idle_for": None if idle is None else time.monotonic() - idle,
            "idle_seconds": self.settings.idle_seconds,
            "isolate": self.settings.isolate,
            "version": __version__,
        }

    async def _housekeeping(self, kubelet: Kubelet) -> None:
        """End when idle; forget old events."""
        pause = min(5.0, self.settings.idle_seconds / 4)
        pruned = time.monotonic()
        while True:
            used = self.store.count(resources.PODS) + self.store.count(resources.LEASES) + kubelet.running()
            now = time.monotonic()
            if used:
                self._idle_since = None
            elif self._idle_since is None:
                self._idle_since = now
            elif now - self._idle_since > self.settings.idle_seconds:
                log.info("idle for %.0f seconds", now - self._idle_since)
                self.stopping.set()
                return
            if now - pruned > 60:
                pruned = now
                events.prune(self.store, clock())
            await asyncio.sleep(pause)

    def remove_files(self) -> None:
        """Leave nothing, but for the log after a failure: it says why (the next ``up`` or ``down`` removes it)."""
        for name in FILES:
            if not (self.failed and name == "daemon.log"):
                localfiles.remove_quietly(self.directory / name)
        shutil.rmtree(self.pods, ignore_errors=True)
