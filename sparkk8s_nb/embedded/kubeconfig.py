"""The kubeconfig through which the cluster is reached. Pure."""

from __future__ import annotations

import base64

import yaml


def text(*, server: str, authority: bytes, token: str, context: str, namespace: str) -> str:
    """A kubeconfig as YAML.

    >>> "current-context: c" in text(server="https://s", authority=b"", token="t", context="c", namespace="n")
    True
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": context,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": base64.b64encode(authority).decode(),
                },
            }
        ],
        "users": [{"name": context, "user": {"token": token}}],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": context, "namespace": namespace}}
        ],
        "current-context": context,
        "preferences": {},
    }
    return yaml.safe_dump(document, sort_keys=False)
