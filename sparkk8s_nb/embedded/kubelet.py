"""The node's agent: gives each pod that is assigned to the node a worker, and ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.containers import Lookup, data_of
from sparkk8s_nb.embedded.nodeaddresses import Addresses
from sparkk8s_nb.embedded.objects import Object, dig, is_deleting, uid_of
from sparkk8s_nb.embedded.podcontext import NodeContext
from sparkk8s_nb.embedded.podstatus import TERMINAL
from sparkk8s_nb.embedded.podworker import PodWorker
from sparkk8s_nb.embedded.store import Change, Store

log = logging.getLogger(__name__)


def lookups(store: Store) -> Callable[[str], Lookup]:
    """How a pod's ConfigMaps and Secrets are found, for each namespace."""

    def of(namespace: str) -> Lookup:
        def find(kind: str, name: str) -> dict[str, bytes] | None:
            resource = resources.SECRETS if kind == "secret" else resources.CONFIG_MAPS
            return data_of(store.find(resource, namespace, name), kind)

        return find

    return of


class Kubelet:
    """Runs the pods of one node.

    Parameters
    ----------
    context : NodeContext
        What the pods need.
    addresses : Addresses
        Where pods get their addresses from.
    directory : Path
        Where the pods' directories are made.
    """

    def __init__(self, context: NodeContext, addresses: Addresses, directory: Path) -> None:
        self._context = context
        self._addresses = addresses
        self._directory = directory
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending = False
        self._unsubscribe = context.registry.store.subscribe(self._changed)

    def _changed(self, change: Change) -> None:
        if change.resource is not resources.PODS:
            return
        pod = change.obj
        if dig(pod, "spec", "nodeName") != self._context.node:
            return
        asyncio.get_running_loop().call_soon(self._sync, change.type, pod)

    def _sync(self, kind: str, pod: Object) -> None:
        uid = uid_of(pod)
        worker = self._workers.get(uid)
        if kind == "DELETED":
            if worker is not None:
                worker.stop(0)
                if uid not in self._tasks:
                    self._forget(uid)
            return
        if worker is None:
            if dig(pod, "status", "phase") in TERMINAL or self._ending:
                return
            current = self._context.registry.store.by_uid(uid)
            if current is None:
                return
            worker = PodWorker(self._context, current[1], self._addresses.take(), self._directory / uid)
            self._workers[uid] = worker
            self._tasks[uid] = asyncio.ensure_future(self._live(worker, uid))
            pod = current[1]
        if is_deleting(pod) and uid in self._tasks:
            worker.stop(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0))

    async def _live(self, worker: PodWorker, uid: str) -> None:
        try:
            await worker.live()
        finally:
            self._addresses.give_back(worker.ip)
            self._tasks.pop(uid, None)
            if self._context.registry.store.by_uid(uid) is None:
                self._forget(uid)

    def _forget(self, uid: str) -> None:
        worker = self._workers.pop(uid, None)
        if worker is not None:
            worker.remove_files()

    def running(self) -> int:
        """How many pods have processes."""
        return len(self._tasks)

    def path(self, pod: Object, container: str, *, previous: bool) -> Path | None:
        """The log of a container's present (or previous) run, None where there is none."""
        worker = self._workers.get(uid_of(pod))
        if worker is None:
            return None
        path = worker.record.log_path(container, previous=previous)
        return path if path.exists() else None

    def is_running(self, pod: Object, container: str) -> bool:
        """Whether a container may still write to its log."""
        worker = self._workers.get(uid_of(pod))
        if worker is None or uid_of(pod) not in self._tasks:
            return False
        return worker.record.run_of(container).exit_code is None

    async def close(self, grace: float) -> None:
        """End all pods and remove their files; nothing is started any more."""
        self._ending = True
        self._unsubscribe()
        for worker in self._workers.values():
            worker.stop(grace)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=grace + 5)
        for uid in list(self._workers):
            self._forget(uid)
