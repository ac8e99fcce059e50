"""What the API server fills in when an object is made. Pure."""

from __future__ import annotations

import base64
from typing import Any

from sparkk8s_nb.embedded import quantities, resources
from sparkk8s_nb.embedded.objects import Object
from sparkk8s_nb.embedded.resources import Resource


def apply(resource: Resource, obj: Object) -> Object:
    """Fill in defaults. The object is the caller's own copy and is changed in place.

    >>> apply(resources.SECRETS, {"metadata": {}, "stringData": {"a": "b"}})["data"]
    {'a': 'Yg=='}
    """
    fill = _DEFAULTS.get(resource.qualified)
    if fill is not None:
        fill(obj)
    return obj


def _pod(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("enableServiceLinks", True)
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or []:
            _container(container)
    for volume in spec.get("volumes") or []:
        for key in ("configMap", "secret", "projected", "downwardAPI"):
            if isinstance(volume.get(key), dict):
                volume[key].setdefault("defaultMode", 0o644)
        if volume.keys() == {"name"}:
            volume["emptyDir"] = {}


def _container(container: Object) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    tag = str(container.get("image") or "").rpartition("/")[2].partition(":")[2]
    container.setdefault("imagePullPolicy", "Always" if tag in ("", "latest") else "IfNotPresent")
    wanted = container.setdefault("resources", {})
    for field in ("limits", "requests"):
        if wanted.get(field):
            wanted[field] = {name: _canonical(value) for name, value in wanted[field].items()}
    if wanted.get("limits"):
        wanted["requests"] = {**wanted["limits"], **(wanted.get("requests") or {})}
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")


def _canonical(value: Any) -> Any:
    """A quantity in its canonical form; what is none stays for the validation to name."""
    try:
        return quantities.canonical(value)
    except (ValueError, TypeError):
        return value


def _secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        data = obj.setdefault("data", {})
        for key, value in plain.items():
            data[key] = base64.b64encode(str(value).encode()).decode()


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if spec.get("clusterIP"):
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    obj.setdefault("status", {"loadBalancer": {}})


def _namespace(obj: Object) -> None:
    labels = obj["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")
    obj.setdefault("spec", {})["finalizers"] = ["kubernetes"]
    obj["status"] = {"phase": "Active"}


def _claim(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    obj["status"] = {"phase": "Pending"}


def _endpoint_slice(obj: Object) -> None:
    for port in obj.get("ports") or []:
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def _event(obj: Object) -> None:
    obj.setdefault("type", "Normal")
    obj.setdefault("count", 1)


_DEFAULTS = {
    resources.PODS.qualified: _pod,
    resources.SECRETS.qualified: _secret,
    resources.SERVICES.qualified: _service,
    resources.NAMESPACES.qualified: _namespace,
    resources.CLAIMS.qualified: _claim,
    resources.ENDPOINT_SLICES.qualified: _endpoint_slice,
    resources.EVENTS.qualified: _event,
}
