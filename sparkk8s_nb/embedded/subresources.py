"""Binding and eviction of pods."""

from __future__ import annotations

from typing import Any

from sparkk8s_nb.embedded import resources, status
from sparkk8s_nb.embedded.addresses import Target
from sparkk8s_nb.embedded.deletion import DeleteOptions, delete
from sparkk8s_nb.embedded.objects import Object, dig
from sparkk8s_nb.embedded.registry import Registry

_DONE = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def bind(registry: Registry, target: Target, body: Any) -> dict[str, Any]:
    """Give a pod to a node, as schedulers do.

    Raises
    ------
    StatusError
        400, 404, or 409 where the pod has a node.
    """
    node = dig(body, "target", "name")
    if not node:
        raise status.bad_request("the binding has no target.name")
    assign(registry, target.namespace or "", target.name, str(node))
    return dict(_DONE)


def assign(registry: Registry, namespace: str, name: str, node: str) -> Object:
    """Set a pod's node and its condition PodScheduled.

    Raises
    ------
    StatusError
        404, or 409 where the pod has a node.
    """
    pod = registry.store.get(resources.PODS, namespace, name)
    if taken := dig(pod, "spec", "nodeName"):
        raise status.conflict(resources.PODS, name, f'pod {name} is already assigned to node "{taken}"')
    registry.store.get(resources.NODES, "", node)
    return registry.store.replace(resources.PODS, {**pod, "spec": {**pod["spec"], "nodeName": node}})


def evict(registry: Registry, target: Target, body: Any) -> dict[str, Any]:
    """Delete a pod as a drain does.

    Raises
    ------
    StatusError
        404, 409.
    """
    options = DeleteOptions.read(dig(body, "deleteOptions"), {})
    delete(registry, resources.PODS, target.namespace or "", target.name, options)
    return dict(_DONE)
