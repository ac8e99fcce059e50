"""What a real API server would refuse about an object, with the path of the field. Pure.

Pods have a module of their own (:mod:`sparkk8s_nb.embedded.podvalidation`).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Any

from sparkk8s_nb.embedded import quantities, resources
from sparkk8s_nb.embedded.objects import Object, dig, finalizers_of, is_deleting
from sparkk8s_nb.embedded.podvalidation import pod, pod_update
from sparkk8s_nb.embedded.problems import Problems, label_value_problem, name_problem, qualified_problem
from sparkk8s_nb.embedded.resources import Resource
from sparkk8s_nb.embedded.status import Cause

_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_ONE_MIB = 1024 * 1024
_NAME_FORMS = {"services": "dns1035", "namespaces": "label"}


def validate(resource: Resource, obj: Object, old: Object | None = None) -> list[Cause]:
    """Every field of an object that cannot be (``old``: what it replaces).

    Examples
    --------
    >>> [cause.field for cause in validate(resources.CONFIG_MAPS, {"metadata": {"name": "A"}})]
    ['metadata.name']
    """
    problems = Problems()
    _check_types(resource, obj)
    _metadata(resource, obj, problems)
    check = _CHECKS.get(resource.qualified)
    if check is not None:
        check(obj, problems)
    if old is not None:
        _immutable(resource, obj, old, problems)
    return problems.causes


def _metadata(resource: Resource, obj: Object, problems: Problems) -> None:
    metadata = obj["metadata"]
    name = str(metadata.get("name") or "")
    if not name:
        problems.required("metadata.name", "name or generateName is required")
    elif why := name_problem(name, form=_NAME_FORMS.get(resource.qualified, "subdomain")):
        problems.invalid("metadata.name", name, why)
    for key, value in (metadata.get("labels") or {}).items():
        if why := qualified_problem(key):
            problems.invalid("metadata.labels", key, why)
        if why := label_value_problem(str(value)):
            problems.invalid("metadata.labels", value, why)
    size = 0
    for key, value in (metadata.get("annotations") or {}).items():
        size += len(key) + len(str(value))
        if why := qualified_problem(key.lower()):
            problems.invalid("metadata.annotations", key, why)
    if size > 256 * 1024:
        problems.too_long("metadata.annotations", 256 * 1024)
    _owners(metadata.get("ownerReferences") or [], problems)
    for i, finalizer in enumerate(metadata.get("finalizers") or []):
        if why := qualified_problem(str(finalizer)):
            problems.invalid(f"metadata.finalizers[{i}]", finalizer, why)


def _owners(owners: list[Object], problems: Problems) -> None:
    for owner in owners:  # without their number: so a real API server names them
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                why = "version must not be empty" if key == "apiVersion" else "must not be empty"
                problems.invalid(f"metadata.ownerReferences.{key}", "", why)
    controllers = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        why = 'Only one reference can have Controller set to true. Found "true" in references for '
        problems.invalid("metadata.ownerReferences", owners, why + " and ".join(controllers[:2]))


def _check_types(resource: Resource, obj: Object) -> None:
    """What JSON allows and the kind does not: a 400, as the body cannot be decoded.

    Raises
    ------
    TypeError
        Which the registry turns into a refusal.
    """
    for field in ("labels", "annotations"):
        for key, value in (obj["metadata"].get(field) or {}).items():
            if not isinstance(value, str):
                raise TypeError(f"metadata.{field}.{key} is {value!r}, not a string")
    if resource in (resources.CONFIG_MAPS, resources.SECRETS):
        for key, value in (obj.get("data") or {}).items():
            if not isinstance(value, str | None):
                raise TypeError(f"data.{key} is {value!r}, not a string")
    if resource is resources.LEASES:
        for key in ("acquireTime", "renewTime"):
            moment = dig(obj, "spec", key)
            if moment is not None and not _MICRO_TIME.fullmatch(str(moment)):
                raise TypeError(f'parsing time "{moment}": spec.{key} needs its microseconds')
    for condition in dig(obj, "status", "conditions") or []:
        if not isinstance(condition.get("type"), str) or not isinstance(condition.get("status"), str):
            raise TypeError(f"status.conditions has {condition!r}, which has no type or status")


def _data(obj: Object, problems: Problems) -> None:
    size = 0
    seen: set[str] = set()
    for field in ("data", "binaryData", "stringData"):
        for key, value in (obj.get(field) or {}).items():
            size += len(str(value))
            if not _KEY.fullmatch(key) or len(key) > 253:
                why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
                problems.invalid(f"{field}[{key}]", key, why)
            if key in seen:
                problems.invalid(f"{field}[{key}]", key, "duplicate of key present in data")
            seen.add(key)
    if size > _ONE_MIB:
        problems.too_long("data", _ONE_MIB)


def _secret(obj: Object, problems: Problems) -> None:
    _data(obj, problems)
    for key, value in (obj.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError, TypeError):
            problems.invalid(f"data[{key}]", "<redacted>", "must be base64")


def _service(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    ports = spec.get("ports") or []
    kind = spec.get("type", "ClusterIP")
    if kind not in ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"):
        problems.unsupported("spec.type", kind, ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"))
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        problems.required("spec.ports")
    address = spec.get("clusterIP") or "None"
    if address != "None" and not _is_address(address):
        problems.invalid(
            "spec.clusterIPs[0]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        )
    names: set[str] = set()
    for i, port in enumerate(ports):
        field = f"spec.ports[{i}]"
        name = port.get("name") or ""
        if len(ports) > 1 and not name:
            problems.required(f"{field}.name")
        elif name and (why := name_problem(name, form="label")):
            problems.invalid(f"{field}.name", name, why)
        if name and name in names:
            problems.duplicate(f"{field}.name", name)
        names.add(name)
        _port(problems, f"{field}.port", port.get("port"))
        _protocol(problems, f"{field}.protocol", port.get("protocol", "TCP"))


def _port(problems: Problems, field: str, value: Any) -> None:
    if not isinstance(value, int) or not 1 <= value <= 65535:
        problems.invalid(field, value if value is not None else 0, "must be between 1 and 65535, inclusive")


def _protocol(problems: Problems, field: str, value: Any) -> None:
    if value not in ("TCP", "UDP", "SCTP"):
        problems.unsupported(field, value, ("SCTP", "TCP", "UDP"))


def _is_address(text: Any) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def special_address(text: str) -> str | None:
    """Why an address may not be an endpoint (a real API server refuses loopback and its like).

    >>> special_address("10.0.0.7") is None, special_address("127.0.0.1")
    (True, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')
    """
    if not _is_address(text):
        return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    address = ipaddress.ip_address(text)
    if address.is_unspecified:
        return f"may not be unspecified ({address})"
    if address.is_loopback:
        return "may not be in the loopback range (127.0.0.0/8, ::1/128)"
    if address.is_link_local:
        return "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
    return None


def _endpoint_slice(obj: Object, problems: Problems) -> None:
    kind = obj.get("addressType")
    if not kind:
        problems.required("addressType")
    elif kind not in ("IPv4", "IPv6", "FQDN"):
        problems.unsupported("addressType", kind, ("FQDN", "IPv4", "IPv6"))
    for i, endpoint in enumerate(obj.get("endpoints") or []):
        addresses = endpoint.get("addresses") or []
        if not addresses:
            problems.required(f"endpoints[{i}].addresses", "must contain at least 1 address")
        for j, address in enumerate(addresses):
            if kind in ("IPv4", "IPv6") and (why := special_address(str(address))):
                problems.invalid(f"endpoints[{i}].addresses[{j}]", address, why)
    for i, port in enumerate(obj.get("ports") or []):
        _protocol(problems, f"ports[{i}].protocol", port.get("protocol", "TCP"))
        if port.get("port") is not None:
            _port(problems, f"ports[{i}].port", port["port"])


def _endpoints(obj: Object, problems: Problems) -> None:
    for i, subset in enumerate(obj.get("subsets") or []):
        for j, address in enumerate(subset.get("addresses") or []):
            if why := special_address(str(address.get("ip"))):
                problems.invalid(f"subsets[{i}].addresses[{j}].ip", address.get("ip"), why)
        for j, port in enumerate(subset.get("ports") or []):
            _port(problems, f"subsets[{i}].ports[{j}].port", port.get("port"))


def _lease(obj: Object, problems: Problems) -> None:
    spec = obj.get("spec") or {}
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and (not isinstance(duration, int) or duration <= 0):
        problems.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    transitions = spec.get("leaseTransitions")
    if transitions is not None and (not isinstance(transitions, int) or transitions < 0):
        problems.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")
    if spec.get("holderIdentity") == "":
        problems.invalid("spec.holderIdentity", "", "must not be empty")


def _quota(obj: Object, problems: Problems) -> None:
    for key, value in (dig(obj, "spec", "hard") or {}).items():
        try:
            amount = quantities.parse(value)
        except ValueError:
            problems.invalid(
                f"spec.hard[{key}]",
                value,
                f"quantities must match the regular expression '{quantities.PATTERN_TEXT}'",
            )
            continue
        if amount < 0:
            problems.invalid(f"spec.hard[{key}]", str(value), "must be greater than or equal to 0")


def _node(obj: Object, problems: Problems) -> None:
    for part in ("capacity", "allocatable"):
        for name, value in (dig(obj, "status", part) or {}).items():
            try:
                quantities.parse(value)
            except ValueError:
                problems.invalid(f"status.{part}[{name}]", value, "must be a quantity")


def _claim(obj: Object, problems: Problems) -> None:
    if not dig(obj, "spec", "accessModes"):
        problems.required("spec.accessModes", "at least 1 access mode is required")
    if not dig(obj, "spec", "resources", "requests", "storage"):
        problems.required("spec.resources[storage]")


def _immutable(resource: Resource, obj: Object, old: Object, problems: Problems) -> None:
    for key in ("name", "namespace", "uid"):
        if obj["metadata"].get(key) != old["metadata"].get(key):
            problems.invalid(f"metadata.{key}", obj["metadata"].get(key), "field is immutable")
    if is_deleting(old):
        for finalizer in set(finalizers_of(obj)) - set(finalizers_of(old)):
            why = "no new finalizers can be added if the object is being deleted, found new finalizers "
            problems.forbidden("metadata.finalizers", f'{why}[]string{{"{finalizer}"}}')
    if resource is resources.PODS:
        pod_update(obj, old, problems)
    if resource in (resources.CONFIG_MAPS, resources.SECRETS) and old.get("immutable"):
        if not obj.get("immutable"):
            problems.forbidden("immutable", "field is immutable when `immutable` is set")
        for field in ("data", "binaryData"):
            if (obj.get(field) or {}) != (old.get(field) or {}):
                problems.forbidden(field, "field is immutable when `immutable` is set")
    if resource is resources.SECRETS and obj.get("type") != old.get("type"):
        problems.invalid("type", obj.get("type"), "field is immutable")
    if resource is resources.ENDPOINT_SLICES and obj.get("addressType") != old.get("addressType"):
        problems.invalid("addressType", obj.get("addressType"), "field is immutable")
    if resource is resources.SERVICES and dig(obj, "spec", "clusterIP") != dig(old, "spec", "clusterIP"):
        problems.invalid("spec.clusterIPs[0]", dig(obj, "spec", "clusterIP"), "may not change once set")
    if resource is resources.CLAIMS and obj.get("spec") != old.get("spec"):
        problems.forbidden("spec", "spec is immutable after creation except resources.requests")


_CHECKS = {
    resources.PODS.qualified: pod,
    resources.CONFIG_MAPS.qualified: _data,
    resources.SECRETS.qualified: _secret,
    resources.SERVICES.qualified: _service,
    resources.ENDPOINTS.qualified: _endpoints,
    resources.ENDPOINT_SLICES.qualified: _endpoint_slice,
    resources.LEASES.qualified: _lease,
    resources.QUOTAS.qualified: _quota,
    resources.CLAIMS.qualified: _claim,
    resources.NODES.qualified: _node,
}
