"""ResourceQuota: refusing what exceeds one, and keeping its status. The sums are pure."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from sparkk8s_nb.embedded import quantities, resources, status
from sparkk8s_nb.embedded.objects import Object, dig, name_of, namespace_of
from sparkk8s_nb.embedded.podstatus import TERMINAL
from sparkk8s_nb.embedded.resources import STORED, Resource
from sparkk8s_nb.embedded.store import Change, Store

Amounts = dict[str, Decimal]

#: names that mean the same
_ALIASES = {
    "cpu": "requests.cpu",
    "memory": "requests.memory",
    "ephemeral-storage": "requests.ephemeral-storage",
}
_COUNTED = {
    "pods", "services", "configmaps", "secrets", "persistentvolumeclaims", "resourcequotas",
}  # fmt: skip


def pod_usage(pod: Object) -> Amounts:
    """What one pod counts for.

    >>> pod_usage({"spec": {"containers": [{"resources": {"limits": {"memory": "1Gi"}}}]}})["limits.memory"]
    Decimal('1073741824')
    """
    used: Amounts = {"pods": Decimal(1)}
    for part in ("requests", "limits"):
        for field, combine in (("containers", Decimal.__add__), ("initContainers", max)):
            for container in pod["spec"].get(field) or []:
                for name, value in (dig(container, "resources", part) or {}).items():
                    key = f"{part}.{name}"
                    used[key] = combine(used.get(key, Decimal(0)), quantities.parse(value))
    return used


def usage(resource: Resource, obj: Object) -> Amounts:
    """What an object counts for in a quota."""
    used: Amounts = {f"count/{resource.qualified}": Decimal(1)}
    if resource is resources.PODS:
        if dig(obj, "status", "phase") not in TERMINAL:
            used |= pod_usage(obj)
    elif resource.plural in _COUNTED and not resource.group:
        used[resource.plural] = Decimal(1)
    if resource is resources.CLAIMS:
        storage = dig(obj, "spec", "resources", "requests", "storage")
        used["requests.storage"] = quantities.parse(storage or "0")
    return used


def _amount(used: Amounts, key: str) -> Decimal:
    return used.get(_ALIASES.get(key, key), Decimal(0))


class Quota:
    """Admission and status of quotas.

    Parameters
    ----------
    store : Store
        Where quotas and what they count are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = asyncio.Event()

    def total(self, namespace: str) -> Amounts:
        """What all objects of a namespace count for."""
        total: Amounts = {}
        for resource in STORED:
            if resource.namespaced and resource is not resources.EVENTS:
                for obj in self._store.all(resource, namespace):
                    for key, amount in usage(resource, obj).items():
                        total[key] = total.get(key, Decimal(0)) + amount
        return total

    def admit(self, resource: Resource, obj: Object) -> None:
        """Refuse an object that would exceed a quota.

        Raises
        ------
        StatusError
            403, worded as a real API server does.
        """
        quotas = self._store.all(resources.QUOTAS, namespace_of(obj)) if resource.namespaced else []
        if not quotas:
            return
        wanted = usage(resource, obj)
        total = self.total(namespace_of(obj))
        for quota in quotas:
            self._check(resource, obj, quota, wanted, total)

    def _check(self, resource: Resource, obj: Object, quota: Object, wanted: Amounts, total: Amounts) -> None:
        hard = dig(quota, "spec", "hard") or {}
        if resource is resources.PODS and (missing := _unspecified(obj, hard)):
            raise status.forbidden(
                resource, name_of(obj), f"failed quota: {name_of(quota)}: must specify {missing}"
            )
        exceeded = sorted(
            key
            for key, value in hard.items()
            if _amount(wanted, key) and _amount(total, key) + _amount(wanted, key) > quantities.parse(value)
        )
        if not exceeded:
            return

        def told(amounts: Amounts) -> str:
            return ",".join(f"{key}={_written(key, _amount(amounts, key), hard)}" for key in exceeded)

        limited = ",".join(f"{key}={quantities.canonical(hard[key])}" for key in exceeded)
        raise status.forbidden(
            resource,
            name_of(obj),
            f"exceeded quota: {name_of(quota)}, requested: {told(wanted)}, used: {told(total)}, limited: {limited}",
        )

    def _changed(self, change: Change) -> None:
        if change.resource is not resources.EVENTS and change.resource.namespaced:
            self._wake.set()

    async def run(self) -> None:
        """Keep every quota's status up to date, until cancelled."""
        unsubscribe = self._store.subscribe(self._changed)
        try:
            while True:
                self._wake.clear()
                self.update()
                await self._wake.wait()
                await asyncio.sleep(0.05)
        finally:
            unsubscribe()

    def update(self) -> None:
        """Write ``status.hard`` and ``status.used`` where they have changed."""
        for quota in self._store.all(resources.QUOTAS):
            hard = {
                key: quantities.canonical(value) for key, value in (dig(quota, "spec", "hard") or {}).items()
            }
            total = self.total(namespace_of(quota))
            used = {key: _written(key, _amount(total, key), hard) for key in hard}
            self._store.replace(resources.QUOTAS, {**quota, "status": {"hard": hard, "used": used}})


def _written(key: str, amount: Decimal, hard: dict[str, str]) -> str:
    binary = "memory" in key or "storage" in key or str(hard.get(key, "")).endswith("i")
    return quantities.write(amount, binary=binary)


def _unspecified(pod: Object, hard: dict[str, str]) -> str:
    """Which of a quota's compute resources a pod does not state, by container."""
    missing: list[str] = []
    for key in sorted(hard):
        part, _, name = _ALIASES.get(key, key).partition(".")
        if part not in ("requests", "limits") or name not in ("cpu", "memory"):
            continue
        without = [
            each["name"]
            for each in pod["spec"]["containers"]
            if name not in (dig(each, "resources", part) or {})
        ]
        if without:
            missing.append(f"{key} for: {','.join(without)}")
    return "; ".join(missing)
