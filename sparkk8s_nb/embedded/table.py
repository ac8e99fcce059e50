"""Server-side printing: the tables that ``kubectl get`` shows. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sparkk8s_nb.embedded import resources, status
from sparkk8s_nb.embedded.objects import Object, dig, is_deleting, name_of, parse_time
from sparkk8s_nb.embedded.podtable import pod_restarts, pod_status
from sparkk8s_nb.embedded.resources import Resource

Cell = Callable[[Object, datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; a ``wide`` one is shown with ``-o wide`` only."""

    name: str
    cell: Cell
    wide: bool = False
    type: str = "string"


def _column(name: str, cell: Callable[[Object], Any], *, wide: bool = False, type_: str = "string") -> Column:
    return Column(name=name, cell=lambda obj, _now: cell(obj), wide=wide, type=type_)


def age(since: str | None, now: datetime) -> str:
    """How long ago, as kubectl shortens it.

    >>> from datetime import UTC
    >>> [age("2030-01-01T00:00:00Z", datetime(2030, 1, 1, h, m, 5, tzinfo=UTC)) for h, m in ((0, 0), (0, 3), (9, 4))]
    ['5s', '3m5s', '9h']
    """
    if not since:
        return "<unknown>"
    seconds = max(0, int((now - parse_time(since)).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y"


def _age(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


_NAME = Column(name="Name", cell=lambda obj, _: name_of(obj))
_AGE = Column(name="Age", cell=_age)


def _text(*path: str, absent: str = "<none>") -> Callable[[Object], str]:
    return lambda obj: str(dig(obj, *path) or absent)


def _ready(pod: Object) -> str:
    containers = dig(pod, "status", "containerStatuses") or []
    return f"{sum(bool(each.get('ready')) for each in containers)}/{len(pod['spec'].get('containers') or [])}"


def _count(*fields: str) -> Callable[[Object], int]:
    return lambda obj: sum(len(obj.get(field) or {}) for field in fields)


def _node_status(node: Object) -> str:
    ready = [each for each in dig(node, "status", "conditions") or [] if each["type"] == "Ready"]
    status = "Ready" if ready and ready[0]["status"] == "True" else "NotReady"
    return f"{status},SchedulingDisabled" if dig(node, "spec", "unschedulable") else status


def _address(kind: str) -> Callable[[Object], str]:
    def find(node: Object) -> str:
        found = [each["address"] for each in dig(node, "status", "addresses") or [] if each["type"] == kind]
        return str(found[0]) if found else "<none>"

    return find


def _ports(service: Object) -> str:
    ports = dig(service, "spec", "ports") or []
    return ",".join(f"{each.get('port')}/{each.get('protocol', 'TCP')}" for each in ports) or "<none>"


def _selector(obj: Object) -> str:
    pairs = dig(obj, "spec", "selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(pairs.items())) or "<none>"


def _pod_selector(policy: Object) -> str:
    pairs = dig(policy, "spec", "podSelector", "matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(pairs.items())) or "<none>"


def _quota(prefix: str) -> Callable[[Object], str]:
    def told(quota: Object) -> str:
        hard, used = dig(quota, "spec", "hard") or {}, dig(quota, "status", "used") or {}
        keys = [key for key in sorted(hard) if key.startswith("limits.") == (prefix == "limits.")]
        return ", ".join(f"{key}: {used.get(key, '0')}/{hard[key]}" for key in keys)

    return told


def _slice_ports(obj: Object) -> str:
    return ",".join(str(each.get("port")) for each in obj.get("ports") or []) or "<unset>"


def _slice_endpoints(obj: Object) -> str:
    found = [address for each in obj.get("endpoints") or [] for address in each.get("addresses") or []]
    return ",".join(found) or "<unset>"


def _endpoints(obj: Object) -> str:
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in obj.get("subsets") or []
        for address in subset.get("addresses") or []
        for port in subset.get("ports") or []
    ]
    return ",".join(found) or "<none>"


def _last_seen(event: Object, now: datetime) -> str:
    return age(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp"), now)


def _first_seen(event: Object, now: datetime) -> str:
    return age(event.get("firstTimestamp") or event.get("eventTime"), now)


def _involved(event: Object) -> str:
    about = event.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


_COLUMNS: dict[str, tuple[Column, ...]] = {
    resources.PODS.qualified: (
        _NAME,
        _column("Ready", _ready),
        _column("Status", pod_status),
        Column(name="Restarts", cell=pod_restarts),
        _AGE,
        _column("IP", _text("status", "podIP"), wide=True),
        _column("Node", _text("spec", "nodeName"), wide=True),
        _column("Nominated Node", _text("status", "nominatedNodeName"), wide=True),
        _column("Readiness Gates", lambda _: "<none>", wide=True),
    ),
    resources.CONFIG_MAPS.qualified: (
        _NAME,
        _column("Data", _count("data", "binaryData")),
        _AGE,
    ),
    resources.SECRETS.qualified: (
        _NAME,
        _column("Type", _text("type")),
        _column("Data", _count("data")),
        _AGE,
    ),
    resources.SERVICES.qualified: (
        _NAME,
        _column("Type", _text("spec", "type")),
        _column("Cluster-IP", _text("spec", "clusterIP")),
        _column("External-IP", _text("spec", "externalName")),
        _column("Port(s)", _ports),
        _AGE,
        _column("Selector", _selector, wide=True),
    ),
    resources.ENDPOINTS.qualified: (_NAME, _column("Endpoints", _endpoints), _AGE),
    resources.EVENTS.qualified: (
        Column(name="Last Seen", cell=_last_seen),
        _column("Type", _text("type")),
        _column("Reason", _text("reason")),
        _column("Object", _involved),
        _column("Subobject", _text("involvedObject", "fieldPath", absent=""), wide=True),
        _column("Source", _text("source", "component", absent=""), wide=True),
        _column("Message", lambda event: str(event.get("message", "")).strip()),
        Column(name="First Seen", cell=_first_seen, wide=True),
        _column("Count", lambda event: int(event.get("count") or 1), wide=True),
        Column(name="Name", cell=lambda obj, _: name_of(obj), wide=True),
    ),
    resources.NAMESPACES.qualified: (_NAME, _column("Status", _text("status", "phase")), _AGE),
    resources.NODES.qualified: (
        _NAME,
        _column("Status", _node_status),
        _column("Roles", lambda _: "<none>"),
        _AGE,
        _column("Version", _text("status", "nodeInfo", "kubeletVersion")),
        _column("Internal-IP", _address("InternalIP"), wide=True),
        _column("External-IP", _address("ExternalIP"), wide=True),
        _column("OS-Image", _text("status", "nodeInfo", "osImage"), wide=True),
        _column("Kernel-Version", _text("status", "nodeInfo", "kernelVersion"), wide=True),
        _column("Container-Runtime", _text("status", "nodeInfo", "containerRuntimeVersion"), wide=True),
    ),
    resources.CLAIMS.qualified: (
        _NAME,
        _column(
            "Status", lambda obj: "Terminating" if is_deleting(obj) else str(dig(obj, "status", "phase"))
        ),
        _column("Volume", _text("spec", "volumeName", absent="")),
        _column("Capacity", _text("status", "capacity", "storage", absent="")),
        _column("Access Modes", lambda obj: ",".join(dig(obj, "status", "accessModes") or [])),
        _column("StorageClass", _text("spec", "storageClassName", absent="")),
        _column("VolumeAttributesClass", _text("spec", "volumeAttributesClassName", absent="<unset>")),
        _AGE,
        _column("VolumeMode", _text("spec", "volumeMode", absent="<unset>"), wide=True),
    ),
    resources.SERVICE_ACCOUNTS.qualified: (
        _NAME,
        _AGE,
    ),
    resources.QUOTAS.qualified: (
        _NAME,
        _column("Request", _quota("requests.")),
        _column("Limit", _quota("limits.")),
        _AGE,
    ),
    resources.LIMIT_RANGES.qualified: (
        _NAME,
        _column("Created At", _text("metadata", "creationTimestamp"), type_="date"),
    ),
    resources.LEASES.qualified: (_NAME, _column("Holder", _text("spec", "holderIdentity", absent="")), _AGE),
    resources.ENDPOINT_SLICES.qualified: (
        _NAME,
        _column("AddressType", _text("addressType")),
        _column("Ports", _slice_ports),
        _column("Endpoints", _slice_endpoints),
        _AGE,
    ),
    resources.NETWORK_POLICIES.qualified: (_NAME, _column("Pod-Selector", _pod_selector), _AGE),
}


def wanted(accept: str) -> bool:
    """Whether a client asks for a table before it asks for anything else.

    >>> wanted("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"), wanted("application/json")
    (True, False)
    """
    return "as=Table" in accept.split(",")[0]


def _definition(column: Column) -> dict[str, Any]:
    formatted = "name" if column.name == "Name" else ""
    return {
        "name": column.name,
        "type": column.type,
        "format": formatted,
        "description": "",
        "priority": 1 if column.wide else 0,
    }


def of(
    resource: Resource, items: list[Object], accept: str, query: dict[str, str], now: datetime
) -> dict[str, Any] | None:
    """The table of some objects; None where the client does not ask for one."""
    if not wanted(accept):
        return None
    stored = resources.EVENTS if resource is resources.NEW_EVENTS else resource
    columns = _COLUMNS.get(stored.qualified, (_NAME, _AGE))
    include = query.get("includeObject") or "Metadata"
    if include not in ("Metadata", "Object", "None"):
        raise status.bad_request(
            f"Unable to convert to Table as requested: includeObject: Invalid value: {json.dumps(include)}: "
            "must be 'Metadata', 'Object', 'None', or empty"
        )
    metadata: dict[str, Any] = {}
    if len(items) == 1:
        metadata["resourceVersion"] = str(items[0]["metadata"].get("resourceVersion", ""))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(each) for each in columns],
        "rows": [_row(obj, columns, include, now) for obj in items],
    }


def _row(obj: Object, columns: tuple[Column, ...], include: str, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": [column.cell(obj, now) for column in columns], "object": None}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        row["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": obj["metadata"],
        }
    return row


def row_converter(
    resource: Resource, accept: str, query: dict[str, str], clock: Callable[[], datetime]
) -> Callable[[Object], Any] | None:
    """What turns each object of a watch into a table of one row; None where no table is asked for."""
    if not wanted(accept):
        return None
    return lambda obj: of(resource, [obj], accept, query, clock())
