"""What a real API server would refuse about a pod, with the path of the field. Pure."""

from __future__ import annotations

import re
from typing import Any

from sparkk8s_nb.embedded import quantities
from sparkk8s_nb.embedded.objects import Object
from sparkk8s_nb.embedded.problems import Problems, label_value_problem, name_problem, qualified_problem

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_POLICIES = ("Always", "OnFailure", "Never")
_UPDATE_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod(obj: Object, problems: Problems) -> None:
    """Check a pod's spec."""
    spec = obj.get("spec") or {}
    volumes = _volumes(spec, problems)
    containers = spec.get("containers") or []
    if not containers:
        problems.required("spec.containers")
    names: set[str] = set()
    for field in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(field) or []):
            _container(f"spec.{field}[{i}]", container, volumes, names, problems)
    policy = spec.get("restartPolicy", "Always")
    if policy not in _POLICIES:
        problems.unsupported("spec.restartPolicy", policy, _POLICIES)
    for field in ("terminationGracePeriodSeconds", "activeDeadlineSeconds"):
        value = spec.get(field)
        if value is not None and (not isinstance(value, int) or value < 0):
            problems.invalid(f"spec.{field}", value, "must be greater than or equal to 0")
    for key, value in (spec.get("nodeSelector") or {}).items():
        if why := qualified_problem(key):
            problems.invalid("spec.nodeSelector", key, why)
        if why := label_value_problem(str(value)):
            problems.invalid("spec.nodeSelector", value, why)
    for i, secret in enumerate(spec.get("imagePullSecrets") or []):
        if not secret.get("name"):
            problems.required(f"spec.imagePullSecrets[{i}].name")
    for field in ("hostname", "subdomain"):
        value = spec.get(field)
        if value and (why := name_problem(str(value), form="label")):
            problems.invalid(f"spec.{field}", value, why)


def _check_types(field: str, container: Object) -> None:
    """What JSON allows and a Container does not: a 400, as the body cannot be decoded.

    Raises
    ------
    TypeError
        Which the registry turns into a refusal.
    """
    for part in ("command", "args"):
        for i, word in enumerate(container.get(part) or []):
            if not isinstance(word, str):
                raise TypeError(f"{field}.{part}[{i}] is {word!r}, not a string")
    for i, variable in enumerate(container.get("env") or []):
        if not isinstance(variable.get("value", ""), str | None):
            raise TypeError(f"{field}.env[{i}].value is {variable['value']!r}, not a string")


def _volumes(spec: Object, problems: Problems) -> set[str]:
    names: set[str] = set()
    for i, volume in enumerate(spec.get("volumes") or []):
        field, name = f"spec.volumes[{i}]", str(volume.get("name") or "")
        if not name:
            problems.required(f"{field}.name")
        elif why := name_problem(name, form="label"):
            problems.invalid(f"{field}.name", name, why)
        elif name in names:
            problems.duplicate(f"{field}.name", name)
        names.add(name)
        sources = [key for key in volume if key != "name"]
        if not sources:
            problems.required(field, "must specify a volume type")
        if len(sources) > 1:
            problems.forbidden(f"{field}.{max(sources)}", "may not specify more than 1 volume type")
        for key, of in (
            ("configMap", "name"),
            ("secret", "secretName"),
            ("persistentVolumeClaim", "claimName"),
        ):
            if key in volume and not (volume[key] or {}).get(of):
                problems.required(f"{field}.{key}.{of}")
        for key in ("configMap", "secret", "projected", "downwardAPI"):
            _items(f"{field}.{key}", volume.get(key) or {}, problems)
    return names


def _items(field: str, source: Object, problems: Problems) -> None:
    mode = source.get("defaultMode")
    if mode is not None and (not isinstance(mode, int) or not 0 <= mode <= 0o777):
        problems.invalid(
            f"{field}.defaultMode", mode, "must be a number between 0 and 0777 (octal), both inclusive"
        )
    for i, item in enumerate(source.get("items") or []):
        path = str(item.get("path") or "")
        if not path:
            problems.required(f"{field}.items[{i}].path")
        elif path.startswith("/"):
            problems.invalid(f"{field}.items[{i}].path", path, "must be a relative path")
        elif ".." in path.split("/"):
            problems.invalid(f"{field}.items[{i}].path", path, "must not contain '..'")


def _container(field: str, container: Object, volumes: set[str], names: set[str], problems: Problems) -> None:
    _check_types(field, container)
    name = str(container.get("name") or "")
    if not name:
        problems.required(f"{field}.name")
    elif why := name_problem(name, form="label"):
        problems.invalid(f"{field}.name", name, why)
    elif name in names:
        problems.duplicate(f"{field}.name", name)
    names.add(name)
    image = container.get("image")
    if not image:
        problems.required(f"{field}.image")
    elif str(image).strip() != image:
        problems.invalid(f"{field}.image", image, "must not have leading or trailing whitespace")
    policy = container.get("imagePullPolicy")
    if policy is not None and policy not in ("Always", "IfNotPresent", "Never"):
        problems.unsupported(f"{field}.imagePullPolicy", policy, ("Always", "IfNotPresent", "Never"))
    _environment(field, container, problems)
    _mounts(field, container, volumes, problems)
    _resources(f"{field}.resources", container.get("resources") or {}, problems)
    for i, port in enumerate(container.get("ports") or []):
        value = port.get("containerPort")
        if not isinstance(value, int) or not 1 <= value <= 65535:
            problems.invalid(
                f"{field}.ports[{i}].containerPort", value or 0, "must be between 1 and 65535, inclusive"
            )


def _environment(field: str, container: Object, problems: Problems) -> None:
    for i, variable in enumerate(container.get("env") or []):
        name = str(variable.get("name") or "")
        if not name:
            problems.required(f"{field}.env[{i}].name")
        elif not _ENV_NAME.fullmatch(name) and not (name.isprintable() and "=" not in name):
            problems.invalid(
                f"{field}.env[{i}].name",
                name,
                "a valid environment variable name must consist only of "
                "printable ASCII characters other than '='",
            )
        source = variable.get("valueFrom")
        if source is not None and variable.get("value"):
            problems.invalid(
                f"{field}.env[{i}].valueFrom", "", "may not be specified when `value` is not empty"
            )
        if source is not None and len(source) != 1:
            problems.invalid(
                f"{field}.env[{i}].valueFrom",
                "",
                "must specify one of: `fieldRef`, "
                "`resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            )


def _mounts(field: str, container: Object, volumes: set[str], problems: Problems) -> None:
    paths: set[str] = set()
    for i, mount in enumerate(container.get("volumeMounts") or []):
        name, path = str(mount.get("name") or ""), str(mount.get("mountPath") or "")
        if not name:
            problems.required(f"{field}.volumeMounts[{i}].name")
        elif name not in volumes:
            problems.not_found(f"{field}.volumeMounts[{i}].name", name)
        if not path:
            problems.required(f"{field}.volumeMounts[{i}].mountPath")
        elif path in paths:
            problems.invalid(f"{field}.volumeMounts[{i}].mountPath", path, "must be unique")
        paths.add(path)
        sub = str(mount.get("subPath") or "")
        if sub.startswith("/"):
            problems.invalid(f"{field}.volumeMounts[{i}].subPath", sub, "must be a relative path")
        elif ".." in sub.split("/"):
            problems.invalid(f"{field}.volumeMounts[{i}].subPath", sub, "must not contain '..'")


def _resources(field: str, wanted: Object, problems: Problems) -> None:
    limits, requests = wanted.get("limits") or {}, wanted.get("requests") or {}
    for part, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            if _amount(value) is None:
                problems.invalid(
                    f"{field}.{part}[{name}]",
                    value,
                    f"quantities must match the regular expression '{quantities.PATTERN_TEXT}'",
                )
            elif quantities.parse(value) < 0:
                problems.invalid(f"{field}.{part}[{name}]", str(value), "must be greater than or equal to 0")
    for name, value in requests.items():
        request, limit = _amount(value), _amount(limits[name]) if name in limits else None
        if request is not None and limit is not None and request > limit:
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            problems.invalid(f"{field}.requests", str(value), why)


def _amount(value: Any) -> Any:
    try:
        return quantities.parse(value)
    except (ValueError, TypeError):
        return None


def pod_update(obj: Object, old: Object, problems: Problems) -> None:
    """Check that an update changes nothing of a pod's spec but what may change."""

    def fixed(pod: Object) -> Object:
        spec = {
            key: value
            for key, value in (pod.get("spec") or {}).items()
            if key not in ("activeDeadlineSeconds", "tolerations", "schedulingGates")
        }
        for field in ("containers", "initContainers"):
            spec[field] = [
                {key: value for key, value in each.items() if key != "image"}
                for each in spec.get(field) or []
            ]
        return spec

    if fixed(obj) != fixed(old):
        problems.forbidden("spec", _UPDATE_TEXT)
