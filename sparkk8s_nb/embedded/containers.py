"""What a container's processes are started with: environment, command, arguments. Pure."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sparkk8s_nb.embedded import quantities
from sparkk8s_nb.embedded.mounts import PathMap
from sparkk8s_nb.embedded.objects import Object, dig, labels_of, name_of, namespace_of, uid_of

_REFERENCE = re.compile(r"\$\$|\$\(([^()]*)\)")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


class ConfigError(Exception):
    """A container cannot be made yet: something it refers to is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """What a pod may ask about itself and its node."""

    pod: Object
    ip: str
    node: str
    host_ip: str
    allocatable: Mapping[str, str]


#: finds a ConfigMap or Secret: kind ("configmap", "secret") and name to data, None where it is missing
Lookup = Callable[[str, str], dict[str, bytes] | None]


def data_of(obj: Object | None, kind: str) -> dict[str, bytes] | None:
    """A ConfigMap's or Secret's data as bytes.

    >>> data_of({"data": {"a": "Yg=="}}, "secret"), data_of({"data": {"a": "b"}}, "configmap")
    ({'a': b'b'}, {'a': b'b'})
    """
    if obj is None:
        return None
    if kind == "secret":
        return {key: base64.b64decode(value or "") for key, value in (obj.get("data") or {}).items()}
    binary = {key: base64.b64decode(value or "") for key, value in (obj.get("binaryData") or {}).items()}
    return {key: str(value).encode() for key, value in (obj.get("data") or {}).items()} | binary


def expand(text: str, known: Mapping[str, str]) -> str:
    """``$(NAME)`` replaced by what is known; unknown names and ``$$(NAME)`` stay as ``$(NAME)``.

    >>> expand("$(A)-$(B)-$$(A)", {"A": "1"})
    '1-$(B)-$(A)'
    """

    def replaced(found: re.Match[str]) -> str:
        if found.group() == "$$":
            return "$"
        return known.get(found[1], found.group())

    return _REFERENCE.sub(replaced, text)


def field_value(facts: PodFacts, path: str) -> str:
    """What a ``fieldRef`` refers to.

    Raises
    ------
    ConfigError
        For a path that there is not.
    """
    pod = facts.pod
    if found := _KEYED.fullmatch(path):
        return str((pod["metadata"].get(found[1]) or {}).get(found[2], ""))
    values = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": uid_of(pod),
        "spec.nodeName": facts.node,
        "spec.serviceAccountName": dig(pod, "spec", "serviceAccountName") or "default",
        "status.podIP": facts.ip,
        "status.podIPs": facts.ip,
        "status.hostIP": facts.host_ip,
        "status.hostIPs": facts.host_ip,
        "metadata.labels": _lines(labels_of(pod)),
        "metadata.annotations": _lines(pod["metadata"].get("annotations") or {}),
    }
    if path not in values:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return str(values[path])


def _lines(pairs: Mapping[str, Any]) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in sorted(pairs.items()))


def resource_value(facts: PodFacts, container: Object, reference: Object) -> str:
    """What a ``resourceFieldRef`` refers to, in units of its divisor, rounded up.

    Raises
    ------
    ConfigError
        For a resource that there is not.
    """
    name = str(reference.get("resource", ""))
    if wanted := reference.get("containerName"):
        found = [each for each in facts.pod["spec"]["containers"] if each["name"] == wanted]
        container = found[0] if found else container
    part, _, kind = name.partition(".")
    if part not in ("limits", "requests") or not kind:
        raise ConfigError(f"unsupported container resource: {name}")
    amount = dig(container, "resources", part, kind)
    if amount is None:
        amount = facts.allocatable.get(kind, "0") if part == "limits" else "0"
    divisor = quantities.parse(reference.get("divisor") or "1") or Decimal(1)
    return str(math.ceil(quantities.parse(amount) / divisor))


def environment(
    container: Object, facts: PodFacts, lookup: Lookup, *, base: Mapping[str, str]
) -> dict[str, str]:
    """A container's environment, before mount paths are mapped.

    Parameters
    ----------
    base : mapping
        What every container gets (PATH, HOME, HOSTNAME); the pod's own values win.

    Raises
    ------
    ConfigError
        Where a ConfigMap, Secret, key or field that is not optional is missing.
    """
    values = dict(base)
    for source in container.get("envFrom") or []:
        values |= _from_source(source, lookup)
    own: dict[str, str] = {}
    for variable in container.get("env") or []:
        value = _variable(variable, container, facts, lookup, known={**values, **own})
        if value is not None:
            own[str(variable["name"])] = value
    return values | own


def _from_source(source: Object, lookup: Lookup) -> dict[str, str]:
    prefix = str(source.get("prefix") or "")
    for kind, field in (("configmap", "configMapRef"), ("secret", "secretRef")):
        reference = source.get(field)
        if reference is None:
            continue
        data = lookup(kind, str(reference.get("name")))
        if data is None:
            if reference.get("optional"):
                return {}
            raise ConfigError(f'{kind} "{reference.get("name")}" not found')
        return {prefix + key: value.decode("utf-8", "replace") for key, value in data.items()}
    return {}


def _variable(
    variable: Object, container: Object, facts: PodFacts, lookup: Lookup, *, known: Mapping[str, str]
) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return expand(str(variable.get("value") or ""), known)
    if "fieldRef" in source:
        return field_value(facts, str(source["fieldRef"].get("fieldPath")))
    if "resourceFieldRef" in source:
        return resource_value(facts, container, source["resourceFieldRef"])
    for kind, field in (("configmap", "configMapKeyRef"), ("secret", "secretKeyRef")):
        if field in source:
            return _keyed(kind, source[field], facts, lookup)
    raise ConfigError(f"environment variable {variable.get('name')} has an unknown source")


def _keyed(kind: str, reference: Object, facts: PodFacts, lookup: Lookup) -> str | None:
    name, key = str(reference.get("name")), str(reference.get("key"))
    data = lookup(kind, name)
    if data is not None and key in data:
        return data[key].decode("utf-8", "replace")
    if reference.get("optional"):
        return None
    if data is None:
        raise ConfigError(f'{kind} "{name}" not found')
    what = "ConfigMap" if kind == "configmap" else "Secret"
    raise ConfigError(f"couldn't find key {key} in {what} {namespace_of(facts.pod)}/{name}")


def command_line(container: Object, env: Mapping[str, str], paths: PathMap) -> list[str]:
    """The program and its arguments, expanded and mapped.

    Raises
    ------
    ConfigError
        If the container names no command: there is no image here that would know one.

    >>> command_line({"command": ["sh", "-c", "echo $(A)"]}, {"A": "1"}, PathMap({}))
    ['sh', '-c', 'echo 1']
    """
    command = [*(container.get("command") or [])]
    if not command:
        raise ConfigError(
            "no command specified: the embedded cluster runs commands on this machine and does not know the "
            f"entrypoint of image {container.get('image')}; give the container a command"
        )
    words = [*command, *(container.get("args") or [])]
    return [paths.apply(expand(str(word), env)) for word in words]
