"""What this server says about itself: version, groups, resources. Pure."""

from __future__ import annotations

import platform
from typing import Any

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.resources import SERVED, Resource
from sparkk8s_nb.version import __version__

#: the API level that is imitated
MINOR = "33"


def version() -> dict[str, str]:
    """``/version``.

    >>> version()["major"]
    '1'
    """
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": "1",
        "minor": MINOR,
        "gitVersion": f"v1.{MINOR}.0+sparkk8s-{__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "python",
        "platform": f"{platform.system().lower()}/{machine}",
    }


def _groups() -> list[str]:
    return sorted({each.group for each in SERVED if each.group})


def _group(name: str) -> dict[str, Any]:
    versions = [{"groupVersion": f"{name}/v1", "version": "v1"}]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _entry(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short:
        entry["shortNames"] = list(resource.short)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry


_SUB_VERBS = {"log": ["get"], "binding": ["create"], "eviction": ["create"], "finalize": ["update"]}
_SUB_KINDS = {"binding": ("", "v1", "Binding"), "eviction": ("policy", "v1", "Eviction")}


def _sub_entries(resource: Resource) -> list[dict[str, Any]]:
    entries = []
    for sub in resource.subresources:
        group, api, kind = _SUB_KINDS.get(sub, ("", "", resource.kind))
        entry: dict[str, Any] = {
            "name": f"{resource.plural}/{sub}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": kind,
            "verbs": _SUB_VERBS.get(sub, ["get", "patch", "update"]),
        }
        if api:
            entry["group"], entry["version"] = group, api
        entries.append(entry)
    return entries


def document(path: str) -> dict[str, Any] | None:
    """The discovery document at a path, or None where there is none.

    >>> document("/api")["versions"], document("/apis/apps")
    (['v1'], None)
    """
    parts = path.strip("/").split("/")
    match parts:
        case ["version"]:
            return version()
        case ["api"]:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
        case ["apis"]:
            groups = [_group(name) for name in _groups()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group] if group in _groups():
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["api", "v1"]:
            return _resource_list("", "v1")
        case ["apis", group, "v1"] if group in _groups():
            return _resource_list(group, f"{group}/v1")
        case ["openapi", "v3"]:
            places = ["api/v1", *(f"apis/{name}/v1" for name in _groups())]
            return {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}"} for place in places}}
        case ["openapi", "v3", "api", "v1"]:
            return _openapi("")
        case ["openapi", "v3", "apis", group, "v1"] if group in _groups():
            return _openapi(group)
    return None


def _resource_list(group: str, group_version: str) -> dict[str, Any]:
    entries = []
    for resource in resources.SERVED:
        if resource.group == group:
            entries += [_entry(resource), *_sub_entries(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": entries,
    }


def _openapi(group: str) -> dict[str, Any]:
    """As much of an OpenAPI document as kubectl needs to leave the validation of fields to the server."""
    paths: dict[str, Any] = {}
    for resource in resources.SERVED:
        if resource.group == group and "patch" in resource.verbs:
            base = f"/apis/{group}/v1" if group else "/api/v1"
            scope = "/namespaces/{namespace}" if resource.namespaced else ""
            kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
            parameters = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
            operation = {
                "parameters": parameters,
                "responses": {},
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": kind,
            }
            paths[f"{base}{scope}/{resource.plural}/{{name}}"] = {"patch": operation}
    info = {"title": "sparkk8s embedded cluster", "version": version()["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}
